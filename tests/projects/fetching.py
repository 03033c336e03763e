"""Downloads a release, makes its environment, and copies it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from projects.releases import RELEASES, Release

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "projects"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")


class FetchError(Exception):
    """A project could not be made ready; the text says which step failed, with the end of its output."""


@dataclass(frozen=True)
class Project:
    """A project ready to be tested: `python -m pytest` with `root` as the working folder runs its suite."""

    release: Release
    root: Path
    python: Path
    packages: Path
    """The shared environment's site-packages."""


def fetch(name: str, python: Path | None = None, extra: Sequence[str] = ()) -> Project:
    """Return the project `name` (a key of RELEASES), made ready if it wasn't. To edit it, `copy` it.

    `python` is the interpreter to make the environment from, this one by default. `extra` are further
    requirements, each with its exact version (`pytest-testmon==2.2.0`), and make an environment of their own.
    Raises FetchError.
    """
    release = RELEASES[name]
    base = python or Path(sys.executable)
    folder = CACHE / f"{release.name}-{release.version}"
    environment = folder / f"environment-{_python_version(base)}{_suffix(extra)}"
    root = folder / f"source-{_python_version(base)}{_suffix(extra)}"
    with _locked(folder):
        wanted = _wanted(release, extra)
        ready = environment / "ready"
        if not (ready.exists() and ready.read_text(encoding="utf-8") == wanted):
            _make_environment(release, base, environment, extra)
            ready.write_text(wanted, encoding="utf-8")
        packages = _site_packages(environment)
        if not root.exists():
            _unpack(release, folder, root)
        interpreter = _point_interpreter(release, root, base, packages)
    return Project(release, root, interpreter, packages)


def copy(name: str, destination: Path, python: Path | None = None, extra: Sequence[str] = ()) -> Project:
    """Copy the project `name` to `destination`, which must not exist; the arguments are those of `fetch`."""
    pristine = fetch(name, python, extra)
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache", ".aftershock", ".testmondata*")
    shutil.copytree(pristine.root, destination, ignore=ignored)
    base = python or Path(sys.executable)
    interpreter = _point_interpreter(pristine.release, destination, base, pristine.packages)
    return Project(pristine.release, destination, interpreter, pristine.packages)


def _suffix(extra: Sequence[str]) -> str:
    """Return what tells an environment with further requirements from the plain one."""
    return "-" + hashlib.sha256("\n".join(sorted(extra)).encode()).hexdigest()[:8] if extra else ""


def _wanted(release: Release, extra: Sequence[str]) -> str:
    """Return what an environment was made from, to tell whether it still fits."""
    return "\n".join([*release.requirements, *extra, CONSTRAINTS.read_text(encoding="utf-8")])


def _make_environment(release: Release, base: Path, environment: Path, extra: Sequence[str]) -> None:
    """Install the suite's requirements, and the project for its metadata and its own requirements."""
    shutil.rmtree(environment, ignore_errors=True)
    _run("environment", [base, "-m", "venv", environment])
    install = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS]
    _run("packages", [*install, f"{release.name}=={release.version}", *release.requirements, *extra])


def _unpack(release: Release, folder: Path, root: Path) -> None:
    """Download the source release, unless it lies there, and unpack it to `root`."""
    archive = folder / f"{release.name}-{release.version}.tar.gz"
    if not archive.exists():
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        _run("download", [*download, "--no-binary", release.name, f"{release.name}=={release.version}"])
    unpacked = folder / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    _run("unpack", ["tar", "-xzf", archive, "-C", unpacked])
    source = unpacked / archive.name.removesuffix(".tar.gz")
    if not release.configured:
        # Without a file of its own, pytest would climb out of the cache to this repository's configuration.
        (source / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    source.rename(root)
    unpacked.rmdir()


def _point_interpreter(release: Release, root: Path, base: Path, packages: Path) -> Path:
    """Make `.venv` in `root`, whose import path is the project's source, then the shared packages."""
    environment = root / ".venv"
    interpreter = environment / "bin" / "python"
    if not interpreter.exists():
        _run("environment", [base, "-m", "venv", "--without-pip", environment])
    lines = f"{(root / release.source).resolve()}\n{packages}\n"
    (_site_packages(environment) / "project.pth").write_text(lines, encoding="utf-8")
    return interpreter


def _site_packages(environment: Path) -> Path:
    """Return an environment's folder of packages."""
    return next((environment / "lib").glob("python3*")) / "site-packages"


def _python_version(python: Path) -> str:
    """Ask an interpreter for its version, as `3.13`."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return _run("interpreter", [python, "-c", program]).strip()


def _run(step: str, command: Sequence[object]) -> str:
    """Run one step and return its standard output; FetchError where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise FetchError(f"{step} failed: {' '.join(words)}\n{tail}")
    return done.stdout


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the project's folder, so that two test processes don't make the same environment at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

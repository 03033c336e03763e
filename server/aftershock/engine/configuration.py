"""The settings, from ``[tool.aftershock]`` in ``pyproject.toml`` and from the client, which wins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


OFF = "off"
"""The severity of marks that nobody wants."""


class ConfigurationError(ValueError):
    """A setting that can't be used; the message names it, says what is wrong and what is allowed."""


@dataclass(frozen=True)
class Configuration:
    """All settings, typed.  The names of the settings are these in camel case, ``diagnostics.failures`` and so on."""

    root: Path
    interpreter: tuple[str, ...] = ()
    run_mode: str = "onSave"
    initial_build: str = "prompt"
    preview: bool = True
    isolation: str = "auto"
    pytest_args: tuple[str, ...] = ()
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    test_timeout: float = 60.0
    max_auto_run_seconds: float = 60.0
    parallel: str | int = "auto"
    diagnostics_failures: str = "error"
    diagnostics_affected: str = "hint"
    diagnostics_order_dependent: str = "information"
    code_lens_enable: bool = True
    test_explorer: str = "auto"
    log_level: str = "info"

    @staticmethod
    def load(root: Path, overrides: Mapping[str, object] | None = None) -> Configuration:
        """The configuration of the project at ``root``.

        ``overrides`` are the client's settings, nested or with dots, unknown ones ignored.  Raises
        ConfigurationError for a value that doesn't fit, or a ``pyproject.toml`` that can't be read.
        """
        root = root.resolve()
        given = {**_flat(_from_pyproject(root)), **_flat(overrides or {})}
        values: dict[str, Any] = {}
        for setting, (name, convert) in SETTINGS.items():
            if given.get(setting) is not None:
                values[name] = convert(setting, given[setting])
        if "cwd" in values:
            values["cwd"] = (root / values["cwd"]).resolve()
        return Configuration(root=root, **values)


Convert = Callable[[str, object], object]


def _wrong(setting: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(f"The setting aftershock.{setting} is {value!r}; it must be {allowed}.")


def _choice(*allowed: str) -> Convert:
    def convert(setting: str, value: object) -> object:
        if value not in allowed:
            raise _wrong(setting, value, "one of " + ", ".join(allowed))
        return value

    return convert


def _flag(setting: str, value: object) -> object:
    if not isinstance(value, bool):
        raise _wrong(setting, value, "true or false")
    return value


def _severity(usual: str) -> Convert:
    """A severity, or whether there is a mark at all: ``usual`` is that of one that is only switched on."""
    choose = _choice("error", "warning", "information", "hint", OFF)

    def convert(setting: str, value: object) -> object:
        return (usual if value else OFF) if isinstance(value, bool) else choose(setting, value)

    return convert


def _seconds(setting: str, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise _wrong(setting, value, "a number of seconds above 0")
    return float(value)


def _words(setting: str, value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise _wrong(setting, value, "a list of strings")
    return tuple(value)


def _folder(setting: str, value: object) -> object:
    if not isinstance(value, str):
        raise _wrong(setting, value, "a path")
    return Path(value)


def _variables(setting: str, value: object) -> object:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(setting, value, "an object of strings")
    return dict(value)


def _parallel(setting: str, value: object) -> object:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise _wrong(setting, value, '"auto" or a number of processes above 0')


SETTINGS: dict[str, tuple[str, Convert]] = {
    "interpreter": ("interpreter", _words),
    "runMode": ("run_mode", _choice("onSave", "onDemand", "deferred")),
    "initialBuild": ("initial_build", _choice("prompt", "auto", "never")),
    "preview": ("preview", _flag),
    "isolation": ("isolation", _choice("auto", "snapshot", "inProcess")),
    "pytestArgs": ("pytest_args", _words),
    "cwd": ("cwd", _folder),
    "env": ("env", _variables),
    "testTimeout": ("test_timeout", _seconds),
    "maxAutoRunSeconds": ("max_auto_run_seconds", _seconds),
    "parallel": ("parallel", _parallel),
    "diagnostics.failures": ("diagnostics_failures", _severity("error")),
    "diagnostics.affected": ("diagnostics_affected", _severity("hint")),
    "diagnostics.orderDependent": ("diagnostics_order_dependent", _severity("information")),
    "codeLens.enable": ("code_lens_enable", _flag),
    "testExplorer": ("test_explorer", _choice("auto", "on", "off")),
    "logLevel": ("log_level", _choice("debug", "info", "warning", "error")),
}
"""Every setting that the server knows: its field of Configuration and its check."""


def _from_pyproject(root: Path) -> Mapping[str, object]:
    path = root / "pyproject.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}. Mend it, or remove it.") from error
    try:
        table = tomllib.loads(text).get("tool", {}).get("aftershock", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Mend it there.") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"[tool.aftershock] in {path} must be a table.")
    return table


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Nested settings by their dotted names; ``env`` stays whole."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and name != "env":
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            flat[name] = value
    return flat

"""The index of who mentions what: as if it were made anew for each state of the project."""

from __future__ import annotations

import random

from aftershock.selection.details import parse_details
from aftershock.selection.imports import parse_imports
from aftershock.selection.name_index import NameIndex, body_key
from aftershock.selection.snapshot import Snapshot
from aftershock.selection.symbols import parse_symbols

_SOURCES = (
    "from b import *\nimport pickle, requests\n\ndef f(a, kind):\n    return getattr(a, 'visit_' + kind), a.size\n",
    "import a as other\n\nclass C:\n    def f(self): return other.size\n    def g(self): return vars(self)\n",
    "from a import f as g\n\ndef h(): return g(size)\n\nh(g)\n",
    "def f(): return 'size'\n",
    "def f(:\n",
)
_NAMES = ("f", "g", "size", "a", "other", "visit_Name", "vars")


def _snapshot(files: dict[str, str]) -> Snapshot:
    sources = {path: text.encode() for path, text in files.items()}
    return Snapshot(
        {path: parse_symbols(source, path) for path, source in sources.items()},
        {path: parse_imports(source, path) for path, source in sources.items()},
        {path: parse_details(source, path) for path, source in sources.items()},
    )


def _told(index: NameIndex) -> object:
    def by_path(places: object) -> object:
        return sorted((path, sorted(functions)) for path, functions in dict(places).items())  # type: ignore[call-overload]

    return (
        [sorted(index.mentioning(name)) for name in _NAMES],
        [
            by_path(places)
            for name in _NAMES
            for places in (index.naming(name), index.handing(name), index.having(name))
        ],
        [by_path(index.places_of([name])) for name in _NAMES],
        [sorted(index.with_aliases({name})) for name in _NAMES],
        [sorted(index.methods_of(name)) for name in ("C", "f")],
        sorted(index.everything()),
        [index.is_hinted(name) for name in _NAMES],
        (sorted(index.listers), sorted(index.stars), sorted(index.foreign)),
    )


def test_following_edits_comes_to_the_same_as_beginning_anew() -> None:
    choice, index, files = random.Random(1), NameIndex(), {"a.py": _SOURCES[0]}
    snapshot = _snapshot(files)
    for _ in range(60):
        path, text = choice.choice(("a.py", "b.py", "c.py", "requests.py")), choice.choice((*_SOURCES, None))
        files = {name: kept for name, kept in files.items() if name != path} | (
            {path: text} if text is not None else {}
        )
        fresh, anew = _snapshot(files), NameIndex()
        now = fresh.symbols.get(path)
        details = fresh.details[path] if now is not None else None
        change = None if now is None or details is None else (now, fresh.imports[path], details)
        snapshot = snapshot.with_files({path: change})
        index.follow(snapshot)
        anew.follow(fresh)
        assert _told(index) == _told(anew)


def test_names_made_up_from_pieces() -> None:
    index = NameIndex()
    text = "def f(a, kind):\n    return getattr(a, 'visit_' + kind), getattr(a, f'{kind}_done')\n"
    index.follow(_snapshot({"a.py": text}))
    assert list(index.asking_for("visit_Name")) == list(index.asking_for("all_done")) == [body_key("a.py", "f")]
    assert list(index.asking_for("other")) == []

"""Special methods that Python calls only where something copies or pickles: not for whatever code does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from aftershock.selection.details import IMPORTED
from aftershock.selection.keys import Key
from aftershock.selection.name_index import NameIndex, body_key
from aftershock.selection.snapshot import Snapshot

_COPYING = frozenset(
    {
        *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
        *("__copy__", "__deepcopy__", "__replace__"),
    }
)
_NEVER_COPY = frozenset(
    {
        *("__future__", "abc", "array", "ast", "atexit", "base64", "binascii", "bisect", "builtins", "bz2"),
        *("calendar", "cmath", "codecs", "collections", "contextlib", "csv", "datetime", "decimal", "difflib", "dis"),
        *("enum", "errno", "fnmatch", "fractions", "functools", "gc", "getpass", "glob", "graphlib", "gzip"),
        *("hashlib", "heapq", "hmac", "html", "inspect", "io", "ipaddress", "itertools", "json"),
        *("keyword", "linecache", "locale", "math", "numbers", "operator", "os", "pathlib", "platform", "posixpath"),
        *("queue", "random", "re", "secrets", "select", "selectors", "shlex", "shutil", "signal", "socket", "stat"),
        *("statistics", "string", "struct", "subprocess", "sys", "sysconfig", "tempfile", "textwrap", "threading"),
        *("time", "token", "tokenize", "traceback", "types", "typing", "typing_extensions", "unicodedata"),
        *("unittest", "urllib", "uuid", "warnings", "weakref", "zlib", "zoneinfo", "pytest", "_pytest"),
    }
)
"""Packages that neither copy nor pickle what they are handed, unless asked to by a name such as ``copy``."""
_BY_NAME = frozenset({"copy", "deepcopy", *_COPYING})
"""Names of what copies where one of these packages does: ``UserDict.copy``."""
_OF_ONE = {"__copy__": {"tee"}, "__replace__": {"replace"}}
"""What asks for one of the methods alone: ``itertools.tee``, ``datetime.replace``."""


def callers_of(method: str, snapshot: Snapshot, index: NameIndex) -> Iterator[Key] | None:
    """The code that may have Python call a special method; None for all code there is."""
    return _copying(method, snapshot, index) if method in _COPYING else None


def _copying(method: str, snapshot: Snapshot, index: NameIndex) -> Iterator[Key]:
    """The code of files that import anything that may copy, and code that mentions copying."""
    for path in snapshot.symbols:
        names = {name.partition(".")[0] for name in snapshot.imports[path].absolute} & sys.stdlib_module_names
        if not _NEVER_COPY.issuperset(names | snapshot.third_party(path)):
            yield body_key(path, IMPORTED)
    for name in _BY_NAME | _OF_ONE.get(method, set()):
        yield from index.asking_for(name)

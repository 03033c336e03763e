"""A file compiled piece by piece holds the functions that its import makes, wherever its lines have moved."""

from __future__ import annotations

import inspect
import sysconfig
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

from aftershock_agent.code_lines import walk
from aftershock_agent.compiling import Compiler
from aftershock_agent.pieces import Piece, make_pieces

LOADER = SourceFileLoader("module", "module.py")


def library() -> list[Path]:
    """One in thirty-two modules of the standard library."""
    folder = Path(sysconfig.get_path("stdlib"))
    return sorted(p for p in folder.rglob("*.py") if "site-packages" not in p.parts)[::32]


def functions(module: CodeType) -> list[tuple[str, CodeType]]:
    return [(name, code) for name, code in walk(module) if code.co_flags & inspect.CO_OPTIMIZED]


@pytest.mark.filterwarnings("ignore")
def test_pieces_hold_the_very_functions_of_the_whole_however_edited() -> None:
    several = compared = 0
    for path in library():
        try:
            text = path.read_text(encoding="utf-8")
            compile(text.encode(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue
        compiler = Compiler()
        for version in (text, "# a line more\n\n" + text, edited(text)):
            expected = compile(version, str(path), "exec", dont_inherit=True)
            assert functions(compiler.compile(str(path), version, LOADER)) == functions(expected), path
        several += len(pieces_of(text) or ()) > 1
        compared += 1
    assert several > compared / 2


def edited(text: str) -> str:
    """Another text for each piece that imports nothing, with the same meaning."""
    pieces = pieces_of(text) or [text]
    return "".join(piece if "import " in piece else f"{piece}\n# the end\n" for piece in pieces)


def pieces_of(text: str) -> list[str] | None:
    def made(piece: Piece) -> str:
        compile(piece.text, "piece", "exec", flags=piece.flags, dont_inherit=True)
        return piece.text

    return make_pieces(text.encode(), made)


def test_a_line_in_a_string_that_looks_like_a_function_begins_no_piece() -> None:
    text = 'USAGE = """\ndef not_a_function():\n"""\n\n\ndef real():\n    return USAGE\n'
    assert pieces_of(text) == [text[: text.index("def real")], text[text.index("def real") :]]


def test_decorators_stay_with_what_they_decorate() -> None:
    text = "import a\n@a.b(\n    1,\n)\n@a.c\nasync def f(): pass\n@a.d\nclass C: pass\n"
    assert pieces_of(text) == [
        "import a\n",
        "@a.b(\n    1,\n)\n@a.c\nasync def f(): pass\n",
        "@a.d\nclass C: pass\n",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def f(): pass\nfrom __future__ import annotations\n",  # an error only in the whole
        "x = 1\ndef f(): pass\nglobal x\n",  # so is this
        "# coding: latin-1\ndef f(): pass\n",
        "def f(): pass\nclass C:\n    x = (\n",
        "if 1: pass\ndef f(): pass\nelse: pass\n",
        "@a\n",
    ],
)
def test_what_pieces_could_hide_is_taken_as_one(text: str) -> None:
    assert pieces_of(text) is None


def test_future_imports_hold_for_all_pieces() -> None:
    text = "from __future__ import annotations\ndef f(x: undefined): pass\nclass C:\n    def g(self) -> missing: pass\n"
    whole = compile(text, "module.py", "exec", dont_inherit=True)
    assert functions(Compiler().compile("module.py", text, LOADER)) == functions(whole)

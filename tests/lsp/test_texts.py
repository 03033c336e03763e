"""What lenses and diagnostics say, and where, apart from any run."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol.types import Position

from aftershock.engine.configuration import Configuration
from aftershock.engine.events import Problem, TestNode
from aftershock.lsp.diagnostics import diagnostics_of, failure_marks, pending_mark, severities_of
from aftershock.lsp.explorer import items_of
from aftershock.lsp.lenses import lens_text, own_tests
from aftershock.lsp.places import Places, line_range, units
from aftershock.lsp.reach import Summary
from aftershock.selection.facts import Outcome, Verdict
from aftershock_agent.messages import Failure, Frame
from support.project import Project

_SEVERITIES = severities_of(Configuration(Path()))


@pytest.mark.parametrize(
    ("summary", "single", "text"),
    [
        (Summary(12, 0, 0, 0, 0, 0, 0.034), False, "12 tests ✓ 34 ms"),
        (Summary(1, 0, 0, 0, 0, 0, 1.25), False, "1 test ✓ 1.2 s"),
        (Summary(12, 0, 0, 0, 1, 0, 0.034), False, "12 tests, 1 failed"),
        (Summary(12, 3, 1, 0, 1, 0, 0.034), False, "3 affected, running…"),
        (Summary(12, 3, 0, 0, 1, 0, 0.034), False, "3 affected, not run"),
        (Summary(2, 0, 0, 0, 0, 2, 0.0), False, "2 tests, skipped"),
        (Summary(1, 0, 0, 0, 0, 0, 0.0002), True, "✓ <1 ms"),
        (Summary(1, 0, 0, 0, 1, 0, 0.001), True, "failed"),
        (Summary(1, 0, 0, 0, 0, 1, 0.0), True, "skipped"),
        (Summary(1, 1, 0, 1, 0, 0, 0.0), True, "not run"),
        (Summary(1, 1, 1, 1, 0, 0, 0.0), True, "affected, running…"),
        (Summary(1, 1, 0, 0, 1, 0, 0.0), True, "affected, not run"),
    ],
)
def test_a_lens_says_it_in_few_words(summary: Summary, single: bool, text: str) -> None:
    assert lens_text(summary, single) == text


def test_a_line_is_marked_from_its_first_letter_to_its_last() -> None:
    place = line_range("    x = '𝄞'  \r", 3)
    assert (place.start, place.end) == (Position(2, 4), Position(2, 12))
    assert line_range("", 1).end == Position(0, 0)
    assert units("é𝄞") == 3


def test_a_failure_without_frames_of_the_project_stands_at_the_test(project: Project) -> None:
    node = _test(project)
    failure = Failure("ValueError", "ValueError: no", "", [Frame("/usr/lib/python3/json.py", 9, "loads")])

    [mark] = failure_marks(node, _failed(node, failure), Places(project.root, project.root))

    assert (mark.path, mark.range.start.line) == ("test_it.py", 0)
    assert mark.message == "test_it failed: ValueError: no"


def test_values_that_the_message_leaves_out_are_added(project: Project) -> None:
    node = _test(project)
    failure = Failure("AssertionError", "assert left == right", "", [], expected="[1]", actual="[2]")

    [mark] = failure_marks(node, _failed(node, failure), Places(project.root, project.root))

    assert mark.message == "test_it failed: assert left == right (expected [1], got [2])"


def test_pending_tests_of_one_line_are_one_hint(project: Project) -> None:
    node = _test(project)
    marks = [pending_mark(node, True, line_range("def test_it():", 1)) for _ in range(3)]

    [hint] = diagnostics_of(marks, [], ["def test_it():"], _SEVERITIES)

    assert hint.message == "3 tests affected, running…"


def test_a_problem_beyond_its_line_is_still_shown() -> None:
    problems = [Problem("syntax", "no", 1, 99), Problem("import", "no", 7)]
    beyond, missing = diagnostics_of([], problems, ["  x = ("], _SEVERITIES)
    assert (beyond.range.start, beyond.range.end) == (Position(0, 2), Position(0, 7))
    assert missing.range.start == Position(6, 0)


def test_a_class_holds_its_tests_and_a_function_its_parameters() -> None:
    nodes = [
        TestNode("t.py::TestA::test_x[1]", "t.py", 2, ("TestA", "test_x[1]"), ("slow",)),
        TestNode("t.py::TestA::test_x[a::b]", "t.py", 2, ("TestA", "test_x[a::b]")),
        TestNode("t.py::test_y", "t.py", 9, ("test_y",)),
    ]

    klass, function = items_of(nodes, ())

    [group] = klass.children
    assert (klass.id, group.id) == ("t.py::TestA", "t.py::TestA::test_x")
    assert [(leaf.id, leaf.label) for leaf in group.children] == [
        ("t.py::TestA::test_x[1]", "1"),
        ("t.py::TestA::test_x[a::b]", "a::b"),
    ]
    assert list(group.children[0].tags) == ["slow"]
    assert function.children == []
    assert own_tests(nodes)["TestA.test_x"] == [nodes[0].id, nodes[1].id]
    assert "TestA.test" not in own_tests(nodes)


def test_a_project_behind_a_link_keeps_the_clients_spelling(project: Project, tmp_path: Path) -> None:
    project.write({"it.py": "x = 1\n"})
    link = tmp_path / "link"
    link.symlink_to(project.root)

    places = Places(project.root.resolve(), link)

    assert places.path((link / "it.py").as_uri()) == "it.py"
    assert places.uri("it.py") == (link / "it.py").as_uri()


def _test(project: Project) -> TestNode:
    project.write({"test_it.py": "def test_it():\n    pass\n"})
    return TestNode("test_it.py::test_it", "test_it.py", 1, ("test_it",))


def _failed(node: TestNode, failure: Failure) -> Verdict:
    return Verdict(node.id, Outcome.FAILED, {"call": 0.1}, failure, 0.0)

"""Selection as a whole: which tests an edit affects, with what reasons, and which of them memory answers."""

from __future__ import annotations

import random

import pytest

from aftershock.selection.affected import FactIndex
from aftershock.selection.facts import Outcome
from aftershock.selection.history import KEPT_FACTS
from aftershock.selection.imports import ImportGraph
from aftershock.selection.inputs import EmptyFact, Imported, bodies_of, inputs_for
from aftershock.selection.keys import Key, KeyKind
from selection.stage import Stage, snapshot_of

ADD, SUB = "tests/test_add.py::test_add", "tests/test_sub.py::test_sub"


@pytest.fixture
def stage() -> Stage:
    """A calculator, each of whose two tests executed one of its functions."""
    stage = Stage(
        {
            "calc.py": "LIMIT = 9\ndef add(a, b):\n    return a + b\ndef sub(a, b):\n    return a - b\n",
            "unrelated.py": "def f():\n    return 1\n",
            "tests/test_add.py": "import calc\ndef test_add():\n    assert calc.add(1, 2) == 3\n",
            "tests/test_sub.py": "import calc\ndef test_sub():\n    assert calc.sub(2, 1) == 1\n",
        }
    )
    stage.run(ADD, {"calc.py": ["add"]})
    stage.run(SUB, {"calc.py": ["sub"]})
    return stage


def test_nothing_is_affected_after_a_run(stage: Stage) -> None:
    assert stage.affected() == {}
    fact = stage.index.matching(ADD)
    assert fact is not None
    assert fact.verdict.outcome is Outcome.PASSED


def test_a_body_edit_affects_the_tests_that_executed_the_body(stage: Stage) -> None:
    stage.edit("calc.py", "a + b", "b + a")
    assert stage.affected() == {ADD: ["calc.py: body of add changed"]}


def test_a_comment_affects_nothing(stage: Stage) -> None:
    stage.edit("calc.py", "LIMIT = 9", "# how far we go\n\nLIMIT = 9")
    assert stage.affected() == {}


def test_undoing_an_edit_is_answered_from_memory(stage: Stage) -> None:
    stage.edit("calc.py", "a + b", "b + a")
    stage.edit("calc.py", "b + a", "a + b")
    assert stage.affected() == {}


def test_going_back_and_forth_between_two_states_runs_nothing_again(stage: Stage) -> None:
    stage.edit("calc.py", "a + b", "a * b")
    stage.run(ADD, {"calc.py": ["add"]}, Outcome.FAILED)
    for old, new, outcome in [("*", "+", Outcome.PASSED), ("+", "*", Outcome.FAILED)] * 3:
        stage.edit("calc.py", f"a {old} b", f"a {new} b")
        assert stage.affected() == {}
        fact = stage.index.matching(ADD)
        assert fact is not None
        assert fact.verdict.outcome is outcome


def test_a_definition_edit_affects_every_test_that_imports_the_file(stage: Stage) -> None:
    stage.edit("calc.py", "LIMIT = 9", "LIMIT = 10")
    assert stage.affected() == {
        ADD: ["calc.py: what its import does changed"],
        SUB: ["calc.py: what its import does changed"],
    }


def test_a_file_that_no_test_imports_affects_nothing(stage: Stage) -> None:
    stage.edit("unrelated.py", "def f()", "def f(x=1)")
    stage.write("another.py", "x = 1\n")
    stage.write("unrelated.py", None)
    assert stage.affected() == {}


def test_a_syntax_error_affects_the_importers_and_says_so(stage: Stage) -> None:
    stage.edit("calc.py", "LIMIT = 9", "LIMIT = = 9")
    assert stage.affected()[SUB][0] == "calc.py: invalid syntax in line 1"
    stage.edit("calc.py", "LIMIT = = 9", "LIMIT = 9")
    assert stage.affected() == {}


def test_a_removed_file_and_a_removed_function_are_called_so(stage: Stage) -> None:
    stage.edit("calc.py", "def sub(a, b):\n    return a - b\n", "")
    assert stage.affected()[SUB] == ["calc.py: sub was removed", "calc.py: what its import does changed"]
    stage.write("calc.py", None)
    assert stage.affected()[ADD][0] == "calc.py was removed"


@pytest.mark.parametrize("path", ["tests/conftest.py", "conftest.py", "tests/__init__.py", "tests/calc.py"])
def test_a_new_file_that_pytest_or_an_import_would_find_affects(stage: Stage, path: str) -> None:
    stage.write(path, "")
    reasons = stage.affected()
    assert set(reasons) == {ADD, SUB}
    assert path in reasons[ADD][0]
    stage.write(path, None)
    assert stage.affected() == {}


def test_a_package_that_hides_a_module_affects_its_importers(stage: Stage) -> None:
    stage.write("calc/__init__.py", "")
    assert set(stage.affected()) == {ADD, SUB}


def test_an_import_behind_try_is_affected_by_the_modules_coming() -> None:
    stage = Stage({"a.py": "try:\n    import fast\nexcept ImportError:\n    fast = None\n", "test_a.py": "import a\n"})
    stage.run("test_a.py::test_a", {})
    stage.write("fast.py", "")
    assert stage.affected() == {"test_a.py::test_a": ["fast.py was added"]}


def test_configuration_and_installed_packages_affect_everything(stage: Stage) -> None:
    stage.show(stage.snapshot.with_environment(config="other"))
    assert stage.affected()[ADD] == ["configuration changed"]
    stage.show(stage.snapshot.with_environment(config="ini", distributions="other"))
    assert stage.affected()[SUB] == ["installed packages changed"]


def test_a_test_that_started_a_process_depends_on_all_sources(stage: Stage) -> None:
    stage.run(ADD, {"calc.py": ["add"]}, opaque=True)
    stage.edit("unrelated.py", "return 1", "return 2")
    assert list(stage.affected()) == [ADD]


def test_a_function_that_ran_at_import_counts_for_all_importers() -> None:
    files = {"a.py": "def make():\n    return 1\nX = make()\n", "test_a.py": "import a\n", "test_b.py": "import a\n"}
    stage = Stage(files)
    for test in ("test_a.py::test_a", "test_b.py::test_b"):
        stage.run(test, {}, import_executed={"a.py": ["<module>", "make"]})
    stage.edit("a.py", "return 1", "return 2")
    assert set(stage.affected()) == {"test_a.py::test_a", "test_b.py::test_b"}


def test_a_new_test_was_never_run(stage: Stage) -> None:
    assert stage.index.matching(ADD) is not None
    assert stage.index.matching("tests/test_add.py::test_more") is None
    assert [reason.text for reason in stage.index.reasons("tests/test_add.py::test_more")] == ["never run"]


def test_a_recorder_that_records_nothing_is_noticed() -> None:
    snapshot = snapshot_of({"test_a.py": "def test(): pass\n"})
    graph = ImportGraph(snapshot.imports)
    with pytest.raises(EmptyFact, match=r"test_a\.py"):
        inputs_for("test_a.py", {"/elsewhere.py": ["f"]}, [], Imported({}, {}), graph, snapshot, opaque=False)
    own, shared = inputs_for("test_a.py", {}, [], Imported({}, {}), graph, snapshot, opaque=False, ran=False)
    assert own == frozenset()
    assert Key(KeyKind.IMPORT, "test_a.py") in dict(shared)


def test_code_under_an_unknown_name_makes_the_whole_file_an_input(stage: Stage) -> None:
    stage.run(ADD, {"calc.py": ["made_by_exec"]})
    stage.edit("calc.py", "a - b", "b - a")
    assert ADD in stage.affected()


def test_inputs_of_one_closure_are_one_object(stage: Stage) -> None:
    stage.run("tests/test_add.py::test_other", {})
    first, second = (stage.index.latest(test) for test in (ADD, "tests/test_add.py::test_other"))
    assert first is not None
    assert second is not None
    assert first.inputs[1] is second.inputs[1]


def test_what_a_wider_fixtures_teardown_ran_is_added(stage: Stage) -> None:
    stage.index.extend(
        ADD, bodies_of({"unrelated.py": ["f"]}, Imported(stage.snapshot.definitions, {}), stage.snapshot)
    )
    assert stage.affected() == {}
    stage.edit("unrelated.py", "return 1", "return 2")
    assert stage.affected() == {ADD: ["unrelated.py: body of f changed"]}


def test_tests_that_reach_a_function_or_a_class() -> None:
    stage = Stage({"a.py": "class C:\n    def m(self): ...\ndef f(): ...\ndef g(): ...\n", "test_a.py": "import a\n"})
    stage.run("test_a.py::one", {"a.py": ["C.m", "f"]})
    stage.run("test_a.py::two", {"a.py": ["f"]})
    one = {"test_a.py::one"}
    assert stage.index.reached("a.py") == {"C": one, "C.m": one, "f": {"test_a.py::one", "test_a.py::two"}}
    stage.edit("a.py", "def f(): ...", "def f(): return 1")
    stage.run("test_a.py::two", {"a.py": ["g"]})
    assert stage.index.reached("a.py") == {"C": one, "C.m": one, "f": one, "g": {"test_a.py::two"}}


def test_facts_of_another_python_do_not_speak_for_this_one(stage: Stage) -> None:
    stage.run(ADD, {"calc.py": ["add"]}, variant="3.12")
    stage.index.variant = "3.13"
    assert stage.affected()[ADD] == ["never run with this Python"]
    stage.index.variant = "3.12"
    assert ADD not in stage.affected()


def test_only_the_newest_facts_of_a_test_are_kept(stage: Stage) -> None:
    first = stage.files["calc.py"]
    for number in range(KEPT_FACTS + 3):
        stage.write("calc.py", first.replace("a + b", f"a + b + {number}"))
        stage.run(ADD, {"calc.py": ["add"]})
    stage.write("calc.py", first.replace("a + b", "a + b + 4"))
    assert ADD not in stage.affected()
    stage.write("calc.py", first)
    assert ADD in stage.affected()


def test_what_one_returns_to_after_each_edit_is_kept(stage: Stage) -> None:
    first = stage.files["calc.py"]
    for number in range(KEPT_FACTS + 3):
        stage.write("calc.py", first.replace("a + b", f"a + b + {number}"))
        stage.run(ADD, {"calc.py": ["add"]})
        stage.write("calc.py", first)
        assert ADD not in stage.affected()


def test_a_fact_that_missed_an_input_does_not_outlive_one_that_has_it(stage: Stage) -> None:
    """The first run found a value memoised, the second one computed it."""
    stage.run(ADD, {"calc.py": ["add"], "unrelated.py": ["f"]})
    stage.edit("unrelated.py", "return 1", "return 2")
    assert stage.affected() == {ADD: ["unrelated.py: body of f changed"]}


def test_a_shared_process_does_not_make_a_test_forget_what_it_needs(stage: Stage) -> None:
    stage.run(ADD, {"calc.py": ["add"], "unrelated.py": ["f"]})
    stage.run(ADD, {"calc.py": ["add"]}, exact=False)
    stage.edit("unrelated.py", "return 1", "return 2")
    assert stage.affected() == {ADD: ["unrelated.py: body of f changed"]}
    stage.edit("unrelated.py", "return 2", "return 1")
    stage.run(ADD, {"calc.py": ["add"]}, exact=True)
    stage.edit("unrelated.py", "return 1", "return 2")
    assert stage.affected() == {}


def test_a_forgotten_test_was_never_run(stage: Stage) -> None:
    stage.index.forget(ADD)
    assert stage.index.tests() == (SUB,)
    assert stage.index.latest(ADD) is None
    assert [reason.text for reason in stage.index.reasons(ADD)] == ["never run"]


def test_following_edits_step_by_step_says_the_same_as_looking_anew() -> None:
    """Random edits: the index that follows along agrees with one that is built for the last state."""
    chance = random.Random(7)
    sources = {f"m{i}.py": "".join(f"def f{j}():\n    return {j}\n" for j in range(4)) for i in range(5)}
    tests = {f"test_{i}.py": f"import m{i % 5}, m{(i + 1) % 5}\ndef test():\n    pass\n" for i in range(8)}
    stage = Stage({**sources, **tests})
    facts = []
    for step in range(150):
        path = f"m{chance.randrange(5)}.py"
        action = chance.randrange(4)
        if action == 0 or path not in stage.files:
            stage.write(path, sources[path])
        elif action == 1:
            stage.write(path, sources[path].replace("return 2", f"return {chance.randrange(3)}"))
        elif action == 2:
            stage.write(path, sources[path] + f"X = {chance.randrange(3)}\n" if chance.random() < 0.7 else None)
        else:
            ran = {f"m{chance.randrange(5)}.py": [f"f{chance.randrange(4)}"] for _ in range(2)}
            facts.append(stage.run(f"test_{chance.randrange(8)}.py::test", ran))
        if step % 10 == 0:
            anew = FactIndex(definitions=stage.definitions)
            for fact in facts:
                anew.add(fact)
            anew.update(stage.snapshot)
            for test in anew.tests():
                assert anew.matching(test) == stage.index.matching(test)
                assert not anew.is_open(test)

"""What is known of imports without importing: following edits one by one must say what looking anew would."""

from __future__ import annotations

import random

import pytest

from aftershock.selection.definitions import Definitions, ImportFact, import_inputs
from aftershock.selection.keys import Key, KeyKind
from aftershock.selection.relations import Table, table_digest
from aftershock.selection.snapshot import Snapshot
from selection.stage import parsed, snapshot_of

_FILES = {f"m{number}.py": "VALUE = 0\n" for number in range(4)}


def _fact(
    path: str, snapshot: Snapshot, texts: list[str], tables: dict[str, str], value: int
) -> tuple[ImportFact, Table]:
    """An import of ``path`` on ``snapshot`` that bound this value, where those files' definitions counted too."""
    inputs = import_inputs(path, (), (Key(KeyKind.IMPORT, text) for text in texts), snapshot)
    table = {"VALUE": f"int {value}"}
    return ImportFact(path, "", inputs, frozenset(), tables, table_digest(table)), table


def test_of_two_imports_that_came_to_the_same_only_the_one_that_holds_counts() -> None:
    before = snapshot_of(_FILES)
    now = before.with_files({"m1.py": parsed("m1.py", "VALUE = 1\n")})
    definitions = Definitions()
    definitions.note_imported(*_fact("m0.py", before, ["m1.py"], {}, 0), before)
    definitions.note_imported(*_fact("m0.py", now, ["m1.py", "m2.py"], {}, 0), now)
    later = now.with_files({"m2.py": parsed("m2.py", "VALUE = 2\n")})
    assert definitions.of("m0.py", later) is None


@pytest.mark.parametrize("seed", range(60))
def test_following_edits_says_the_same_as_looking_anew(seed: int) -> None:
    """Random imports, each resting on texts and values of files before it, some never made on the present."""
    chance = random.Random(seed)
    paths = list(_FILES)
    following, told = Definitions(), list[tuple[ImportFact, Table]]()
    values = dict.fromkeys(paths, 0)
    snapshot = snapshot_of(_FILES)
    for _ in range(30):
        path = chance.choice(paths)
        values[path] = chance.randrange(2)
        snapshot = snapshot.with_files({path: parsed(path, f"VALUE = {values[path]}\n")})
        for number, each in enumerate(paths):
            if following.of(each, snapshot) is not None or chance.random() < 0.3:
                continue
            there = chance.sample(paths[:number], chance.randint(0, number))
            tables = {other: known for other in there[::2] if (known := following.of(other, snapshot)) is not None}
            fact, table = _fact(each, snapshot, there[1::2], tables, values[each])
            told.append((fact, table))
            following.note_imported(fact, table, snapshot)
        anew = Definitions()
        for fact, table in told:
            anew.add(fact, table)
        assert dict(following.present(snapshot)) == dict(anew.present(snapshot))

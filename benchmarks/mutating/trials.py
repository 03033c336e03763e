"""What a mutant changes, by a cold run of the whole suite, and what testmon selects for it; both are remembered."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.measuring import cold
from benchmarks.mutating.cold_runs import Said, mutated, run
from benchmarks.mutating.mutants import Mutant
from projects import FetchError, Project, copy, fetch

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "oracle"

_FORMAT = "1"  # of what is remembered: another one forgets all of it
_BASELINES = 3
_ALONE = 10  # tests that are run in a process each
_NO_CACHE = ("-p", "no:cacheprovider")  # but testmon can't do without it
_FIRST_LIMIT = 300.0  # seconds for a suite of which nothing is known yet


@dataclass(frozen=True)
class Truth:
    """The tests that a mutant changes: other outcomes, tests that can't be collected any more, and new tests.

    ``problem`` tells why pytest could not start: then no test can be collected.  ``vanished`` counts those that are
    gone otherwise, which nobody can run.
    """

    changed: dict[str, str] = field(default_factory=dict)
    uncollected: list[str] = field(default_factory=list)
    new: dict[str, str] = field(default_factory=dict)
    vanished: int = 0
    problem: str = ""

    @property
    def tests(self) -> set[str]:
        """All that must be selected."""
        return {*self.changed, *self.uncollected, *self.new}

    def outcome(self, test: str) -> str:
        """How a test ends."""
        return self.changed.get(test) or self.new.get(test) or "uncollected"


@dataclass(frozen=True)
class Baseline:
    """The pristine suite: outcomes by test, tests that tell now this and now that, and the seconds of a run."""

    outcomes: dict[str, str]
    unsteady: list[str]
    seconds: float

    @property
    def limit(self) -> float:
        """Seconds after which a run hangs."""
        return 4 * self.seconds + 20


class Store:
    """JSON values by name in a folder of the cache, each written at once or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def get(self, name: str) -> dict[str, object]:
        """What is known under a name; empty if nothing is."""
        try:
            found: dict[str, object] = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def put(self, name: str, **values: object) -> None:
        """Add to what is known under a name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._folder / f"{name}.{os.getpid()}.tmp"
        with self._lock:  # the cold ways may run at once
            scratch.write_text(json.dumps({**self.get(name), **values}), encoding="utf-8")
            scratch.replace(self._folder / f"{name}.json")


class Trials:
    """The cold runs of one project; copies are made when something isn't known yet."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, python: Path | None) -> None:
        """``arguments`` are pytest's, ``folder`` takes the copies; raises FetchError."""
        self._name, self._arguments, self._folder, self._python = name, list(arguments), folder, python
        self.pristine = fetch(name, python)
        release, minor = self.pristine.release, self.pristine.packages.parent.name
        key = hashlib.sha256(json.dumps([_FORMAT, self._arguments]).encode()).hexdigest()[:8]
        self._store = Store(CACHE / f"{release.name}-{release.version}-{minor}-{key}")

    # --- what there is to compare with ----------------------------------------------------------

    @cached_property
    def baseline(self) -> Baseline:
        """The pristine suite, run several times; FetchError where it can't run."""
        known = self._store.get("baseline")
        if not known:
            started, said = time.perf_counter(), [self._run(_FIRST_LIMIT) for _ in range(_BASELINES)]
            seconds = (time.perf_counter() - started) / _BASELINES
            found = [one.outcomes for one in said if one is not None and not one.errors and not one.problem]
            if len(found) < _BASELINES:
                raise FetchError(f"the pristine suite of {self._name} can't run")
            ids = sorted({test for one in found for test in one})
            unsteady = [test for test in ids if len({one.get(test) for one in found}) > 1]
            self._store.put("baseline", **asdict(Baseline(dict(found[0]), unsteady, seconds)))
            known = self._store.get("baseline")
        return Baseline(**known)  # type: ignore[arg-type]

    @cached_property
    def _plain(self) -> Project:
        return copy(self._name, self._folder / f"{self._name}-pytest", self._python)

    @cached_property
    def _testmon(self) -> tuple[Project, Path]:
        """A copy for testmon, and the database that it made of the pristine suite."""
        project = copy(self._name, self._folder / f"{self._name}-testmon", self._python, extra=[cold.TESTMON])
        kept = self._folder / f"{self._name}-testmondata"
        kept.mkdir()
        if run(project, self._testmon_arguments, _FIRST_LIMIT) is None:
            raise FetchError(f"testmon can't run the suite of {self._name}")
        for path in project.root.glob(".testmondata*"):
            shutil.copy2(path, kept)
        return project, kept

    @property
    def _testmon_arguments(self) -> list[str]:
        # With -k it selects nothing unless told to.
        select = "--testmon-forceselect" if "-k" in self._arguments else "--testmon"
        return [select, *self._arguments]

    def _run(self, limit: float, only: Sequence[str] = ()) -> Said | None:
        return run(self._plain, [*_NO_CACHE, *self._arguments], limit, only)

    # --- of a mutant ----------------------------------------------------------------------------

    def truth(self, mutant: Mutant) -> Truth | None:
        """What the mutant changes; None where its suite hangs or crashes."""
        return self._told(mutant, "truth")

    def truth_again(self, mutant: Mutant) -> Truth | None:
        """The same by another run."""
        return self._told(mutant, "again")

    def _told(self, mutant: Mutant, name: str) -> Truth | None:
        known = self._store.get(mutant.digest).get(name)
        if known is None:
            with mutated(self._plain, mutant):
                said = self._run(self.baseline.limit)
            known = {"hung": True} if said is None else asdict(self._differences(said))
            self._store.put(mutant.digest, mutant=str(mutant), **{name: known})
        assert isinstance(known, dict)
        return None if "hung" in known else Truth(**known)

    def _differences(self, said: Said) -> Truth:
        base, unsteady = self.baseline, set(self.baseline.unsteady)
        steady = [test for test in base.outcomes if test not in unsteady]
        uncollected = said.uncollected(steady)
        return Truth(
            {
                test: said.outcomes[test]
                for test in steady
                if said.outcomes.get(test, "") not in ("", base.outcomes[test])
            },
            sorted(uncollected),
            {
                test: outcome
                for test, outcome in said.outcomes.items()
                if test not in base.outcomes and test not in unsteady
            },
            len([test for test in steady if test not in said.outcomes and test not in uncollected]),
            said.problem,
        )

    def unchanged_alone(self, mutant: Mutant, tests: Iterable[str]) -> list[str]:
        """Those of some tests that end as ever when nothing else runs before them: others' leftovers changed them."""
        found = self._store.get(mutant.digest).get("alone", {})
        assert isinstance(found, dict)
        known: dict[str, str] = dict(found)
        wanted = sorted(tests)
        if not set(wanted) <= known.keys():
            with mutated(self._plain, mutant):
                # Many are run together, without the others at least.
                for tests in [[test] for test in wanted] if len(wanted) <= _ALONE else [wanted]:
                    said = self._run(self.baseline.limit, tests)
                    known |= {test: said.outcomes.get(test, "") if said is not None else "" for test in tests}
            self._store.put(mutant.digest, alone=known)
        return [test for test in wanted if known[test] and known[test] == self.baseline.outcomes.get(test)]

    def testmon(self, mutant: Mutant) -> set[str] | None:
        """The tests that testmon runs, or says it can't collect; None where it hangs or crashes."""
        known = self._store.get(mutant.digest).get("testmon")
        if known is None:
            project, kept = self._testmon
            for path in project.root.glob(".testmondata*"):
                path.unlink()
            for path in kept.iterdir():
                shutil.copy2(path, project.root)
            with mutated(project, mutant):
                said = run(project, self._testmon_arguments, 2 * self.baseline.limit)
            ran = [] if said is None else sorted({*said.outcomes, *said.uncollected(self.baseline.outcomes)})
            known = {"hung": said is None, "ran": ran}
            self._store.put(mutant.digest, testmon=known)
        assert isinstance(known, dict)
        return None if known["hung"] else set(known["ran"])

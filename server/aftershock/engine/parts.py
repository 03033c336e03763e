"""What the driver works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aftershock.engine import events
from aftershock.engine.configuration import Configuration
from aftershock.engine.ledger import Ledger
from aftershock.engine.order_dependence import OrderDependents
from aftershock.engine.standing import Standing
from aftershock.engine.tests_known import KnownTests
from aftershock.engine.warming import Warming


@dataclass(frozen=True)
class Parts:
    """One of each; the callables tell an event, look at files again, and say that all was collected once.

    ``run_numbers`` are those of the runs to come.
    """

    configuration: Configuration
    known: KnownTests
    ledger: Ledger
    standing: Standing
    warming: Warming
    order_dependents: OrderDependents
    tell: Callable[[events.Event], None]
    look: Callable[[Iterable[Path]], None]
    warmed: Callable[[], None]
    run_numbers: Iterator[int]

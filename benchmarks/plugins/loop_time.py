"""A pytest plugin that writes how long the tests took to the file that LOOP_TIME names: elapsed seconds, CPU seconds.

`-p loop_time`, with this folder on PYTHONPATH. From the first test's start to the last one's end, whoever runs the
loop: start-up and collection are left out. It costs one comparison a test. Hypothesis is given a seed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

_started: list[tuple[float, float]] = []


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have hypothesis draw the same examples in every run: others are other work, by up to a fifth in attrs."""
    if hasattr(config.option, "hypothesis_seed"):
        config.option.hypothesis_seed = "1"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Note the time before the first test and after the last."""
    if not _started:
        _started.append((time.perf_counter(), time.process_time()))
    result = yield
    if nextitem is None:
        elapsed, used = time.perf_counter() - _started[0][0], time.process_time() - _started[0][1]
        Path(os.environ["LOOP_TIME"]).write_text(f"{elapsed} {used}", encoding="utf-8")
    return result

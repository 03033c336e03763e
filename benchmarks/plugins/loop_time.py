"""A pytest plugin that writes how long the test loop took, in seconds, to the file that LOOP_TIME names.

`-p loop_time`, with this folder on PYTHONPATH. It costs one file written after the loop's end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Time all tests, without start-up and collection."""
    started = time.perf_counter()
    result = yield
    Path(os.environ["LOOP_TIME"]).write_text(str(time.perf_counter() - started), encoding="utf-8")
    return result

"""Work that nobody waits for."""

from __future__ import annotations

import pytest

from aftershock.engine.background import Background


def test_work_is_done_in_order_and_what_fails_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    background = Background()
    background.do(lambda: done.append(1))
    background.do(lambda: done.append(1 // 0))
    background.do(lambda: done.append(2))
    background.close()

    assert done == [1, 2]
    assert "ZeroDivisionError" in caplog.text

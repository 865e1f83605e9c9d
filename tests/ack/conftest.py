"""One server on SQLite with a clock that can be put forward, and a recorder of what happens around it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ack.recorder import Recorder
from tests.ack.scenes import EXTRA
from tests.integration.wound import WoundClock
from tests.stack import start_stack, stop_stack


@pytest.fixture
async def recorder(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Recorder]:
    clock = WoundClock()
    stack = await start_stack(sqlite_url, tmp_path, clock, extra=EXTRA)
    yield Recorder(stack, clock)
    await stop_stack(stack)

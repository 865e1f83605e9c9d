"""The whole product in one process, for each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stack import Stack, start_stack, stop_stack


@pytest.fixture
async def stack(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_stack(url, tmp_path)
    yield running
    await stop_stack(running)

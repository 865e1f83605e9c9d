"""The whole product in one process, for each database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.wound import WoundClock
from tests.stack import Stack, start_stack, stop_stack


@pytest.fixture
def wound() -> WoundClock:
    return WoundClock()


@pytest.fixture
def stack_options() -> dict[str, Any]:
    """What `start_stack` is told besides; a file whose stack shall be another one overrides this."""
    return {}


@pytest.fixture
async def stack(url: str, tmp_path: Path, stack_options: dict[str, Any]) -> AsyncIterator[Stack]:
    running = await start_stack(url, tmp_path, **stack_options)
    yield running
    await stop_stack(running)

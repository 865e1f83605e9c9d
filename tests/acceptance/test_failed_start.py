"""A start that fails leaves nothing open behind: no socket, no session, no database connection."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import build
from bot.demo.stage import Demo
from bot.settings import Settings
from tests.conftest import ENCRYPTION_KEY
from tests.policies import policy_text
from tests.stack import ENVIRONMENT


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on, and whose neighbours are not privileged."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_a_server_whose_port_is_taken_closes_what_it_had_opened(url: str, tmp_path: Path, taken: int) -> None:
    config = tmp_path / "countersign.toml"
    config.write_text(policy_text())
    settings = Settings(
        config=config, database_url=url, host="127.0.0.1", port=taken, bot_token="xoxb-demo", signing_secret="s",
        app_token="", slack_api_url="http://127.0.0.1:9/api/", encryption_key=ENCRYPTION_KEY,
    )  # fmt: skip
    server = await build(settings, ENVIRONMENT)
    with pytest.raises(OSError):
        await server.start()
    await server.stop()  # as `serve` does in any case
    del server
    gc.collect()  # what were left open would warn here, and warnings are errors


async def test_a_demo_whose_port_is_taken_closes_what_it_had_opened(taken: int) -> None:
    demo = Demo(taken)
    with pytest.raises(OSError):
        await demo.start()
    del demo
    gc.collect()


async def test_a_demo_whose_second_port_is_taken_closes_what_it_had_opened(taken: int) -> None:
    demo = Demo(taken - 1)
    with pytest.raises(OSError):
        await demo.start()
    del demo
    gc.collect()

"""The page about automations: every call it shows is made, in order, and every address it names is there."""

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.api.routes import BASE, api_routes
from governance import authorising
from tests.stack import Stack, start_stack, stop_stack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "automations.md").read_text()


def calls() -> list[list[str]]:
    """The words of every call to curl, as a shell would hand them over, with the names of variables left in."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


@pytest.fixture
async def stack(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_stack(url, tmp_path, agent="report_spend = true")
    yield running
    await stop_stack(running)


async def test_the_calls_on_the_page_succeed_one_after_the_other(stack: Stack) -> None:
    known = {"$AGENT": "deployer"}
    for words in calls():
        assert words.pop(0) == "curl"
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        (url,) = [one for one in words if one.startswith("$COUNTERSIGN_URL")]
        body = words[words.index("-d") + 1] if "-d" in words else None
        path = filled(url.removeprefix("$COUNTERSIGN_URL"), known)
        status, told = await stack.call(method, path, json.loads(filled(body, known)) if body else None)
        assert status in (200, 201), (words, told)
        known |= {f"${name.upper()}": told[name]["id"] for name in ("automation", "run") if name in told}
    assert len(calls()) == 9


def filled(text: str, known: dict[str, str]) -> str:
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(name, known[name])
    return text


async def test_the_addresses_on_the_page_are_there(stack: Stack) -> None:
    there = {f"{one.method} {one.path.removeprefix(BASE)}" for one in api_routes(stack.server.office)}
    named = re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^` ?]+)", PAGE)
    assert len(named) > 10
    assert {one for one in named if one not in there} == set()


def test_the_codes_on_the_page_are_the_rules_own() -> None:
    code = Path(authorising.__file__).read_text()
    named = re.findall(r"`AUTOMATION_V2_([A-Z_]+)`", PAGE)
    assert len(named) == 9
    assert {one for one in named if one not in code} == set()

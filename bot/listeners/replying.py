"""Answering a command or a list's button: at once while Slack waits, else by its response_url."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.cards.lists import sentence
from bot.cards.message import Message
from bot.listeners.errors import explain
from bot.slack import SlackTrouble
from bot.slack.response_url import send

log = logging.getLogger(__name__)

_PATIENCE = 0.8  #: seconds; asking who the person is may have taken two of Slack's three


async def reply_in_time(ack: AsyncAck, command: dict[str, Any], work: Coroutine[Any, Any, dict[str, Any]]) -> None:
    """Acknowledge with the answer, or acknowledge and send the answer when it is there; nothing is worked twice."""
    task = asyncio.create_task(work)
    if (await asyncio.wait({task}, timeout=_PATIENCE))[0]:
        await ack(**task.result())
        return
    await ack()
    try:
        said = await task
    except Exception as error:  # noqa: BLE001 - the desk's sentence: nobody waits for an acknowledgement any more
        said = private(sentence(explain(error)))
    await send_late(command["response_url"], said)


def private(message: Message) -> dict[str, Any]:
    """Return an answer for one person as Slack takes it."""
    return _payload(message, "ephemeral")


def public(message: Message) -> dict[str, Any]:
    """Return an answer for everybody in the channel as Slack takes it."""
    return {**_payload(message, "in_channel"), "unfurl_links": False, "unfurl_media": False}


def _payload(message: Message, response_type: str) -> dict[str, Any]:
    blocks = {"blocks": message.blocks} if message.blocks else {}
    return {"text": message.text, "response_type": response_type, **blocks}


async def send_late(url: str, said: dict[str, Any]) -> None:
    """Answer by response_url where there is nobody left to tell that it did not work."""
    try:
        await send(url, said)
    except SlackTrouble as trouble:
        log.error("an answer to a command could not be sent: %s", trouble.error)

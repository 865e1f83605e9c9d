"""Saying one sentence to one person alone, however badly Slack takes it at the moment."""

import asyncio
import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.modals import message_modal
from bot.slack import SlackTrouble, calling
from bot.slack.response_url import send

log = logging.getLogger(__name__)

_PAUSES = (0.5, 2.0, 5.0)  # seconds before it is tried again; whoever clicked waits for it


async def say_privately(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> None:
    """Say a sentence to one person alone: in front of their Home, in the channel or thread, by response_url, or in a
    direct message, whichever Slack takes first; and once more where it takes none.

    Where an answer got lost it may be said twice, which is better than not at all.
    """
    troubles: list[str] | None = []
    for pause in (0.0, *_PAUSES):
        await asyncio.sleep(pause)
        troubles = await _say(client, body, sentence)
        if troubles is None:
            return
    log.error("could not tell %s: %s", body["user"]["id"], ", then ".join(troubles or ()))


async def _say(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> list[str] | None:
    """Try one way after another; return what each met, None once it is said."""
    troubles = []
    for way in (_in_front, _in_place, _by_response_url, _directly):
        try:
            if await way(client, body, sentence):
                return None
        except SlackTrouble as trouble:
            troubles.append(trouble.error)
    return troubles


def is_from_home(body: dict[str, Any]) -> bool:
    """Whether somebody pressed a button on their Home tab, where no message can be seen by them alone."""
    return body.get("type") == "block_actions" and (body.get("view") or {}).get("type") == "home"


async def _in_front(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> bool:
    """Say a sentence in a modal; SlackTrouble where the click is too long ago for that, or has opened one already."""
    if not is_from_home(body):
        return False
    view = message_modal("Nothing changed", sentence)
    await calling(client.views_open(trigger_id=body.get("trigger_id", ""), view=view))
    return True


async def _in_place(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> bool:
    user, channel = body["user"]["id"], (body.get("channel") or {}).get("id")
    if channel is None:
        return False
    thread_ts = (body.get("container") or {}).get("thread_ts") or (body.get("message") or {}).get("thread_ts")
    thread = {"thread_ts": thread_ts} if thread_ts else {}
    await calling(client.chat_postEphemeral(channel=channel, user=user, text=sentence, **thread))
    return True


async def _by_response_url(_client: AsyncWebClient, body: dict[str, Any], sentence: str) -> bool:
    if not (url := body.get("response_url")):
        return False
    await send(url, {"text": sentence, "response_type": "ephemeral"})
    return True


async def _directly(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> bool:
    await calling(client.chat_postMessage(channel=body["user"]["id"], text=sentence))
    return True

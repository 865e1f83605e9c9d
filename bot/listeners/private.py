"""Saying one sentence to one person alone, however badly Slack takes it at the moment."""

import asyncio
import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.modals import message_modal
from bot.slack import SlackTrouble, TryLater, calling
from bot.slack.response_url import send

log = logging.getLogger(__name__)

_PAUSES = (0.5, 2.0, 5.0)  # seconds before it is said again where Slack was busy


async def say_privately(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> None:
    """Say a sentence where the person is. Whoever clicked waits for it, so a busy Slack is asked again for a while."""
    for pause in (*_PAUSES, None):
        try:
            await _say(client, body, sentence)
            return
        except TryLater as busy:
            if pause is None:
                log.error("could not tell %s: %s", body["user"]["id"], busy.error)
                return
            await asyncio.sleep(max(pause, min(busy.after, _PAUSES[-1])))
        except SlackTrouble as never:
            log.error("could not tell %s: %s", body["user"]["id"], never.error)
            return


async def _say(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> None:
    """Say it in the channel or thread, in front of a Home tab, or in a direct message; else by response_url."""
    user, channel = body["user"]["id"], (body.get("channel") or {}).get("id")
    thread_ts = (body.get("container") or {}).get("thread_ts") or (body.get("message") or {}).get("thread_ts")
    if is_from_home(body) and await _in_front(client, body, sentence):
        return
    try:
        if channel is None:
            await calling(client.chat_postMessage(channel=user, text=sentence))
            return
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        await calling(client.chat_postEphemeral(channel=channel, user=user, text=sentence, **thread))
    except SlackTrouble:
        if not (url := body.get("response_url")):
            raise
        await send(url, {"text": sentence, "response_type": "ephemeral"})


def is_from_home(body: dict[str, Any]) -> bool:
    """Whether somebody pressed a button on their Home tab, where no message can be seen by them alone."""
    return body.get("type") == "block_actions" and (body.get("view") or {}).get("type") == "home"


async def _in_front(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> bool:
    """Say a sentence in a modal; False where the click is too long ago for that, or has opened one already."""
    try:
        view = message_modal("Nothing changed", sentence)
        await calling(client.views_open(trigger_id=body.get("trigger_id", ""), view=view))
    except SlackTrouble as trouble:
        log.info("no modal for %s any more: %s", body["user"]["id"], trouble.error)
        return False
    return True

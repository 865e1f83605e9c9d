"""The one desk: every refusal and every fault becomes one private sentence, where the person is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.cards.answering import people
from bot.cards.blocks import date, mrkdwn
from bot.cards.modals import message_modal
from bot.ids import Block
from bot.office import Office
from bot.office.homes import refresh
from bot.slack import SlackTrouble, calling
from governance.errors import Refusal, Unprocessable
from governance.text import cut, visible

log = logging.getLogger(__name__)

_INLINE = 300  # characters under a field; more would push the form away

_FAULT = "Something went wrong on our side and nothing was decided. Please try again; the server's log has the details."
_SLACK = "Slack did not take our answer in time and nothing was decided. Please click again."


def register(app: AsyncApp, office: Office) -> None:
    """Register the desk."""
    speaking: set[asyncio.Task[None]] = set()

    def in_background(work: Awaitable[None]) -> None:
        """Answer Slack first; the sentence follows at once."""
        task = asyncio.ensure_future(work)
        speaking.add(task)
        task.add_done_callback(speaking.discard)

    @app.error
    async def desk(error: Exception, body: dict[str, Any], client: AsyncWebClient) -> BoltResponse | None:
        if is_from_home(body):
            in_background(refresh(office, body["user"]["id"]))
        found = answer(error, body, client, in_background)
        return None if "event" in body else found  # an event is acknowledged already, and nobody waits for words


def answer(
    error: Exception, body: dict[str, Any], client: AsyncWebClient, in_background: Callable[[Awaitable[None]], None]
) -> BoltResponse:
    """Return the acknowledgement that carries the sentence, or acknowledge and say it privately."""
    sentence = explain(error)
    if body.get("type") == "view_submission":
        return BoltResponse(status=200, body=_inside_modal(error, sentence, body))
    if "command" in body:
        return BoltResponse(status=200, body={"response_type": "ephemeral", "text": sentence})
    if "event" in body:  # nobody waits for it; what broke is delivered again
        return BoltResponse(status=200 if isinstance(error, Refusal) else 503, body="")
    in_background(say_privately(client, body, sentence))
    return BoltResponse(status=200, body="")


def explain(error: Exception) -> str:
    """Return what the person reads, and log what is our own fault."""
    if not isinstance(error, Refusal | SlackTrouble):
        log.error("a listener failed", exc_info=error)
    return sentence_for(error)


def sentence_for(error: Exception) -> str:
    """Return what the person reads: why not, and what to do next."""
    if isinstance(error, SlackTrouble):
        return _SLACK
    if not isinstance(error, Refusal):
        return _FAULT
    told = _TOLD.get(error.name)
    return told(error) if told else mrkdwn(error.sentence)


def _already_decided(refusal: Refusal) -> str:
    winner = refusal.details.get("winner") or {}
    if not winner.get("by"):
        return f"{mrkdwn(refusal.sentence)} Nothing changed; the card shows where it stands."
    at = date(datetime.fromisoformat(winner["at"])) if winner.get("at") else ""
    return f"This was already {winner['verdict']} by <@{winner['by']}> {at}, so your answer changed nothing."


def _not_a_reviewer(refusal: Refusal) -> str:
    return f"You may not answer this request, so nothing changed. Ask one of those who may: {_others(refusal)}."


def _self_review(refusal: Refusal) -> str:
    if refusal.details.get("editor"):
        return f"You edited these arguments, so somebody else must countersign them: {_others(refusal)}."
    return f"This was asked for on your behalf, so somebody else must countersign it: {_others(refusal)}."


def _others(refusal: Refusal) -> str:
    return people(list(refusal.details.get("reviewers", []))) or "an admin"


_TOLD: dict[str, Callable[[Refusal], str]] = {
    "ALREADY_DECIDED": _already_decided,
    "NOT_A_REVIEWER": _not_a_reviewer,
    "SELF_REVIEW": _self_review,
}


def _inside_modal(error: Exception, sentence: str, body: dict[str, Any]) -> dict[str, Any]:
    """Mark the field that is wrong, or replace the modal by the sentence."""
    field = _wrong_field(error)
    inputs = {one["block_id"] for one in body["view"].get("blocks", []) if one.get("type") == "input"}
    if field is None or field[0] not in inputs:
        return {"response_action": "update", "view": message_modal("Nothing changed", sentence)}
    return {"response_action": "errors", "errors": {field[0]: cut(visible(field[1]), _INLINE)}}


def _wrong_field(error: Exception) -> tuple[str, str] | None:
    """Return the block a refusal is about and what to say there: such sentences begin with the field's name."""
    if not isinstance(error, Refusal):
        return None
    if error.name == "RULE_CONTRADICTS":
        return Block.CONFIRM.value, error.sentence
    name, colon, said = error.sentence.partition(": ")
    return (name, said[:1].upper() + said[1:]) if colon and isinstance(error, Unprocessable) else None


async def say_privately(client: AsyncWebClient, body: dict[str, Any], sentence: str) -> None:
    """Say a sentence to one person alone: in the channel or thread, by response_url, or in a direct message."""
    user, channel = body["user"]["id"], (body.get("channel") or {}).get("id")
    thread_ts = (body.get("container") or {}).get("thread_ts") or (body.get("message") or {}).get("thread_ts")
    try:
        if is_from_home(body) and await _in_front(client, body, sentence):
            return
        if channel is None:
            await calling(client.chat_postMessage(channel=user, text=sentence))
            return
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        await calling(client.chat_postEphemeral(channel=channel, user=user, text=sentence, **thread))
    except SlackTrouble as trouble:
        await _by_response_url(body, sentence, trouble)


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


async def _by_response_url(body: dict[str, Any], sentence: str, trouble: SlackTrouble) -> None:
    url = body.get("response_url")
    if not url:
        log.error("could not tell %s: %s", body["user"]["id"], trouble.error)
        return
    try:
        await calling(AsyncWebhookClient(url).send(text=sentence, response_type="ephemeral", replace_original=False))
    except SlackTrouble as second:
        log.error("could not tell %s: %s, then %s", body["user"]["id"], trouble.error, second.error)

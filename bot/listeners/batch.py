"""Approving several at once: a modal that lists them, and one decision for each that stays ticked."""

import asyncio
import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.batch import MOST, TITLE, Outcome, choosing_modal, summary, summary_modal, working_modal
from bot.cards.modals import View, message_modal
from bot.ids import Block, Callback, Field
from bot.listeners.errors import explain
from bot.listeners.private import say_privately
from bot.office import Office
from bot.office.batch import approve, offer
from bot.slack import SlackTrouble, calling

log = logging.getLogger(__name__)

_PATIENCE = 0.8  #: seconds until the modal says that it takes longer
_LOOKING = "Looking for what may be approved together…"


def register(app: AsyncApp, office: Office) -> None:
    """Register the listener for the modal."""

    @app.view(Callback.BATCH.value)
    async def approve_several(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        ticked = _ticked(body)
        task = asyncio.create_task(approve(office, body["user"]["id"], ticked))
        if (await asyncio.wait({task}, timeout=_PATIENCE))[0]:
            await ack(response_action="update", view=summary_modal(task.result()))
            return
        await ack(response_action="update", view=working_modal(len(ticked)))
        await _tell_late(client, body, await task)


async def open_batch(office: Office, client: AsyncWebClient, ack: AsyncAck, user: str, trigger_id: str) -> None:
    """Open the modal while the trigger lives, then fill it: looking at live user groups may take a moment."""
    opened = await calling(client.views_open(trigger_id=trigger_id, view=message_modal(TITLE, _LOOKING)))
    await ack()
    await _update(client, opened["view"], await _view(office, user))


async def _view(office: Office, user: str) -> View:
    try:
        found = await offer(office, user)
    except Exception as error:  # noqa: BLE001 - the desk's sentence, in the modal that is open already
        return message_modal(TITLE, explain(error))
    return choosing_modal(found.offered, found.left)


async def _update(client: AsyncWebClient, opened: dict[str, Any], view: View) -> bool:
    try:
        await calling(client.views_update(view_id=opened["id"], hash=opened.get("hash"), view=view))
    except SlackTrouble as trouble:
        log.info("a modal could not be updated: %s", trouble.error)
        return False
    return True


async def _tell_late(client: AsyncWebClient, body: dict[str, Any], outcomes: list[Outcome]) -> None:
    """Show what came of it in the modal, or in a direct message where it was closed meanwhile."""
    if not await _update(client, {"id": body["view"]["id"]}, summary_modal(outcomes)):
        await say_privately(client, body, summary(outcomes))


def _ticked(body: dict[str, Any]) -> list[str]:
    """Return the opaque ids of what stayed ticked, in the order of the modal."""
    values = body["view"]["state"]["values"]
    groups = (values.get(f"{Block.BATCH}{number}", {}).get(Field.TICKED.value) or {} for number in range(MOST))
    return [str(option.get("value", "")) for group in groups for option in group.get("selected_options") or []]

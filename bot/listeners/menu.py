"""The overflow menu of a card: each entry opens a modal for whoever may use it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.forms import delegate_modal, edit_modal, remember_modal, withdraw_modal
from bot.cards.modals import View
from bot.ids import Action, Option
from bot.listeners.clicks import Click, look_up, option_of
from bot.listeners.gates import asked_in, check_may_answer
from bot.office import Office
from bot.slack import SlackTrouble, calling
from operations import remember
from operations.edit import check_others, live_parties
from operations.review import check_answerable, check_not_editor
from operations.withdraw import check_may_withdraw
from storage.dossier import Dossier

log = logging.getLogger(__name__)

Opening = Callable[[Office, Dossier, Click, int], Awaitable[View]]


def register(app: AsyncApp, office: Office) -> None:
    """Register the listener for the menu."""

    @app.action(Action.MORE.value)
    async def more(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        option, click = option_of(body)
        rendering, dossier = await look_up(office, click)
        view = await _OPENINGS[option](office, dossier, click, rendering.request_version)
        opened = await calling(client.views_open(trigger_id=body["trigger_id"], view=view))
        await ack()
        if option is Option.REMEMBER:
            await _show_what_it_would_match(office, client, dossier, click, opened["view"])


async def _remember(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    await check_may_answer(office, dossier, click.user, version)
    check_not_editor(asked_in(dossier), click.user)
    return remember_modal(dossier, click.rendering_id)


async def _edit(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    members = await check_may_answer(office, dossier, click.user, version)
    check_others(asked_in(dossier), dossier.delegations, click.user, members)
    live_parties(office.policy.current, dossier.proposal)
    return edit_modal(dossier, click.rendering_id)


async def _delegate(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    await check_may_answer(office, dossier, click.user, version)
    return delegate_modal(dossier, click.rendering_id)


async def _withdraw(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    check_may_withdraw(office.policy.current, dossier.proposal, click.user)
    check_answerable(asked_in(dossier), office.database.clock(), version)
    return withdraw_modal(dossier, click.rendering_id)


_OPENINGS: dict[Option, Opening] = {
    Option.REMEMBER: _remember,
    Option.EDIT: _edit,
    Option.DELEGATE: _delegate,
    Option.WITHDRAW: _withdraw,
}


async def _show_what_it_would_match(
    office: Office, client: AsyncWebClient, dossier: Dossier, click: Click, opened: dict[str, Any]
) -> None:
    """Count over the last 30 days once the modal is open, and put the figures into it."""
    proposal, wider = dossier.proposal, asked_in(dossier).quorum == 1
    async with office.database.read(office.tenant) as tx:
        same = await remember.preview(tx, proposal.agent_id, proposal.tool, remember.same(proposal))
        seen = [f"A rule for the very same arguments {same}."]
        if wider:
            every = await remember.preview(tx, proposal.agent_id, proposal.tool, remember.ANY)
            seen.append(f"A rule for every call of this tool {every}.")
    view = remember_modal(dossier, click.rendering_id, seen)
    try:
        await calling(client.views_update(view_id=opened["id"], hash=opened.get("hash"), view=view))
    except SlackTrouble as trouble:  # closed meanwhile, most likely; the submission looks again anyway
        log.info("the preview of a rule could not be shown: %s", trouble.error)

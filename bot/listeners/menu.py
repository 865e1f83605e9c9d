"""The overflow menu of a card: each entry opens a modal for whoever may use it."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.forms import delegate_modal, edit_modal, remember_modal, withdraw_modal
from bot.cards.modals import View
from bot.ids import Action, Option
from bot.listeners.clicks import Click, look_up, option_of
from bot.listeners.editing import form_of
from bot.listeners.gates import asked_in, check_may_answer
from bot.listeners.opening import open_modal, update_modal
from bot.office import Office
from operations import remember
from operations.edit import check_others, live_parties
from operations.review import check_answerable, check_not_editor
from operations.withdraw import check_may_withdraw
from storage.dossier import Dossier

Opening = Callable[[Office, Dossier, Click, int], Awaitable[View]]


def register(app: AsyncApp, office: Office) -> None:
    """Register the listener for the menu."""

    @app.action(Action.MORE.value)
    async def more(args: AsyncArgs) -> None:
        option, click = option_of(args.body)
        opened = await open_modal(args, _opening(office, option, click))
        if option is Option.REMEMBER and opened is not None:
            await _show_what_it_would_match(office, args, click, opened)


async def _opening(office: Office, option: Option, click: Click) -> View:
    rendering, dossier = await look_up(office, click)
    return await _OPENINGS[option](office, dossier, click, rendering.request_version)


async def _remember(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    await check_may_answer(office, dossier, click.user, version)
    check_not_editor(asked_in(dossier), click.user)
    return remember_modal(dossier, click.rendering_id)


async def _edit(office: Office, dossier: Dossier, click: Click, version: int) -> View:
    members = await check_may_answer(office, dossier, click.user, version)
    check_others(asked_in(dossier), dossier.delegations, click.user, members)
    live_parties(office.policy.current, dossier.proposal)
    return edit_modal(dossier, click.rendering_id, form_of(office, dossier))


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


async def _show_what_it_would_match(office: Office, args: AsyncArgs, click: Click, opened: dict[str, Any]) -> None:
    """Count over the last 30 days once the modal is open, and put the figures into it."""
    _, dossier = await look_up(office, click)
    proposal, wider = dossier.proposal, asked_in(dossier).quorum == 1
    async with office.database.read(office.tenant) as tx:
        same = await remember.preview(tx, proposal.agent_id, proposal.tool, remember.same(proposal))
        seen = [f"A rule for the very same arguments {same}."]
        if wider:
            every = await remember.preview(tx, proposal.agent_id, proposal.tool, remember.ANY)
            seen.append(f"A rule for every call of this tool {every}.")
    await update_modal(args, opened["id"], remember_modal(dossier, click.rendering_id, seen), opened.get("hash"))

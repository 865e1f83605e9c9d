"""Buttons: Approve and Ask again decide and then acknowledge; the others open a modal at once."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.cards.forms import defer_modal, reject_modal
from bot.cards.modals import View
from bot.ids import Action
from bot.listeners.clicks import Click, click_of, look_up, request_of
from bot.listeners.gates import check_may_answer
from bot.listeners.opening import open_modal
from bot.office import Office
from bot.office.changing import ask_again
from bot.office.deciding import decide_in_time, in_time
from governance.reviewers import ReviewVerdict
from operations.reask import Asker
from operations.review import Answer
from storage.tables import Door


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for the buttons that decide."""

    @app.action(Action.APPROVE.value)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = click_of(body)
        rendering, _ = await look_up(office, click)
        answer = Answer(click.user, ReviewVerdict.APPROVE, Door.SLACK, seen_version=rendering.request_version)
        await decide_in_time(office, request_of(rendering), answer)
        await ack()

    @app.action(Action.REJECT.value)
    async def reject(args: AsyncArgs) -> None:
        await open_modal(args, _rejecting(office, click_of(args.body)))

    @app.action(Action.DEFER.value)
    async def defer(args: AsyncArgs) -> None:
        await open_modal(args, _deferring(office, click_of(args.body)))

    @app.action(Action.AGAIN.value)
    async def again(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = click_of(body)
        rendering, _ = await look_up(office, click)
        await in_time(ask_again(office, rendering.proposal_id, Asker(person=click.user), Door.SLACK))
        await ack()


async def _rejecting(office: Office, click: Click) -> View:
    rendering, dossier = await look_up(office, click)
    await check_may_answer(office, dossier, click.user, rendering.request_version)
    return reject_modal(dossier, click.rendering_id)


async def _deferring(office: Office, click: Click) -> View:
    rendering, dossier = await look_up(office, click)
    await check_may_answer(office, dossier, click.user, rendering.request_version)
    person = await office.directory.person(click.user)
    return defer_modal(dossier, click.rendering_id, office.database.clock(), person.tz_offset)

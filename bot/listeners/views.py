"""Modal submissions: decided first, then acknowledged; what cannot be accepted is said inside the modal."""

from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.cards.forms import ANY
from bot.ids import Block, Callback
from bot.listeners.clicks import look_up, request_of, submission_of
from bot.listeners.editing import take_edit
from bot.listeners.values import choice_of, is_ticked, moment_of, number_of, person_of, rejection_of, text_of
from bot.office import Office, changing
from bot.office.deciding import decide_in_time, in_time
from governance.reviewers import ReviewVerdict
from governance.rules import Remember
from operations import remember
from operations.delegate import Handing
from operations.remember import Wish
from operations.review import Answer
from storage.tables import Door


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for modals."""
    _register_answers(app, office)

    @app.view(Callback.DELEGATE.value)
    async def delegate(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = submission_of(body)
        rendering, _ = await look_up(office, click)
        handing = Handing(click.user, person_of(body), Door.SLACK, text_of(body), rendering.request_version)
        await in_time(changing.delegate(office, request_of(rendering), handing))
        await ack()

    @app.view(Callback.EDIT.value)
    async def edit(ack: AsyncAck, body: dict[str, Any]) -> None:
        await take_edit(office, ack, body)

    @app.view(Callback.WITHDRAW.value)
    async def withdraw(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = submission_of(body)
        rendering, _ = await look_up(office, click)
        reason, version = text_of(body), rendering.request_version
        await in_time(changing.withdraw(office, rendering.proposal_id, click.user, reason, version))
        await ack()


def _register_answers(app: AsyncApp, office: Office) -> None:
    async def answer(body: dict[str, Any], verdict: ReviewVerdict, **more: Any) -> None:
        click = submission_of(body)
        rendering, _ = await look_up(office, click)
        given = Answer(click.user, verdict, Door.SLACK, seen_version=rendering.request_version)
        await decide_in_time(office, request_of(rendering), replace(given, **more))

    @app.view(Callback.REJECT.value)
    async def reject(ack: AsyncAck, body: dict[str, Any]) -> None:
        wish = Wish(Remember(choice_of(body, Block.REMEMBER, Remember.ONCE)))
        await answer(body, ReviewVerdict.REJECT, reason=rejection_of(body), wish=wish)
        await ack()

    @app.view(Callback.DEFER.value)
    async def defer(ack: AsyncAck, body: dict[str, Any]) -> None:
        await answer(body, ReviewVerdict.DEFER, reason=text_of(body), until=moment_of(body, Block.UNTIL))
        await ack()

    @app.view(Callback.REMEMBER.value)
    async def approve_and_remember(ack: AsyncAck, body: dict[str, Any]) -> None:
        await answer(body, ReviewVerdict.APPROVE, wish=_wish(body))
        await ack()


def _wish(body: dict[str, Any]) -> Wish:
    return Wish(
        Remember(choice_of(body, Block.REMEMBER, Remember.ONCE)),
        remember.ANY if choice_of(body, Block.PATTERN, "") == ANY else None,
        moment_of(body, Block.RULE_UNTIL),
        number_of(body, Block.USES),
        is_ticked(body, Block.CONFIRM),
    )

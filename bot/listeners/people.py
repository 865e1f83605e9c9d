"""Middleware: who is this? Guests and people from outside are refused before any listener runs, in time."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

from bot.office import Office
from bot.office.deciding import CannotAskSlack, note_arrival
from bot.slack import SlackTrouble
from governance.errors import Forbidden

#: Where a payload's context says when it came in, in seconds of the monotonic clock.
ARRIVED = "countersign_arrived"
_PATIENCE = 2.0


class LastingAck(AsyncAck):
    """An acknowledgement that stays. Bolt takes one back where its listener fails before it was sent, and Slack then
    shows that nobody answered."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == "response" and value is None and getattr(self, name, None) is not None):
            super().__setattr__(name, value)


def register(app: AsyncApp, office: Office) -> None:
    """Register the middleware for everything a person does."""

    @app.middleware
    async def members_only(context: AsyncBoltContext, body: dict[str, Any], next: Callable[[], Awaitable[Any]]) -> None:
        note_arrival()
        context[ARRIVED] = monotonic()
        context["ack"] = LastingAck()  # type: ignore[no-untyped-call]
        if context.user_id is not None and _asks_for_something(body):
            await _check_team(office, body)
            if "event" not in body:  # who opens a Home without being a member reads that there
                await _check(office, context.user_id)
        await next()


def _asks_for_something(body: dict[str, Any]) -> bool:
    """Clicks, modals and commands do; of the events only opening the Home tab, which shows what waits."""
    return "event" not in body or body["event"].get("type") == "app_home_opened"


async def _check_team(office: Office, body: dict[str, Any]) -> None:
    """A Slack identity is workspace and user: the same user id elsewhere is somebody else."""
    identity = await office.identify()
    team = (body.get("team") or {}).get("id") or body.get("team_id")
    if team != identity.team_id:
        raise Forbidden("This comes from another Slack workspace than the one Countersign serves.", code="NOT_A_MEMBER")


async def _check(office: Office, user: str) -> None:
    """Raise what the error desk then says privately."""
    try:
        async with asyncio.timeout(_PATIENCE):
            person = await office.directory.person(user)
    except (SlackTrouble, TimeoutError):
        raise CannotAskSlack() from None
    if not person.may_decide:
        raise Forbidden("Countersign serves full members of this workspace only, not guests or people from outside.",
                        code="NOT_A_MEMBER")  # fmt: skip

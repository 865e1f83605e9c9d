"""Replies and reactions that are meant as a decision: kept before Slack is told that we have them, answered later.

Everything else people say and react is dropped here, unread and without a trace.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.office import Office
from bot.slack.stamps import moment_of
from governance.replies import Meant, Way, allows, read_reaction, read_reply
from storage import inbox, threads
from storage.inbox import Heard
from storage.tables.base import PERSON_LENGTH
from storage.tables.inbox import EVENT_LENGTH


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners. What they do, they do as middleware: Bolt acknowledges events before it runs these."""

    async def keep(body: dict[str, Any], next: Callable[[], Awaitable[Any]]) -> None:
        heard = await hear(office, body)
        if heard is not None:
            await office.database.write(office.tenant, lambda tx: inbox.receive(tx, heard))
        await next()

    @app.event("message", middleware=[keep])
    async def message() -> None:
        pass

    @app.event("reaction_added", middleware=[keep])
    async def reaction() -> None:
        pass


async def hear(office: Office, body: dict[str, Any]) -> Heard | None:
    """Return what was said, None where it cannot decide anything: the cheapest questions come first.

    Raises SlackTrouble where Slack has never told who we are, and does not now: then the event comes again.
    """
    event = body["event"]
    way = Way.REPLY if event["type"] == "message" else Way.REACTION
    if not allows(office.policy.current, way):
        return None
    await office.identify()
    heard = _reply(office, body, event) if way is Way.REPLY else _reaction(body, event)
    if heard is None or body.get("team_id") != office.identity.team_id:
        return None
    async with office.database.read(office.tenant) as tx:
        return heard if await threads.is_ours(tx, heard.channel, heard.ts) else None


def _reply(office: Office, body: dict[str, Any], event: dict[str, Any]) -> Heard | None:
    """Read a reply in a thread as its author wrote it: not an edited one, none that an app wrote, none forwarded."""
    if not event.get("thread_ts"):
        return None
    if any(event.get(name) for name in ("subtype", "bot_id", "app_id", "hidden", "edited")):
        return None
    meant = read_reply(str(event.get("text") or ""), office.identity.bot_user_id)
    said = f"reply:{event.get('channel')}:{event.get('ts')}"
    return _heard(body, Way.REPLY, meant, said, event.get("channel"), event.get("thread_ts"), event.get("ts"))


def _reaction(body: dict[str, Any], event: dict[str, Any]) -> Heard | None:
    item = event.get("item") or {}
    if item.get("type") != "message":
        return None
    meant, at = read_reaction(str(event.get("reaction"))), event.get("event_ts")
    said = f"reaction:{item.get('channel')}:{item.get('ts')}:{event.get('user')}:{event.get('reaction')}:{at}"
    return _heard(body, Way.REACTION, meant, said, item.get("channel"), item.get("ts"), at)


def _heard(
    body: dict[str, Any], way: Way, meant: Meant | None, said: str, channel: object, ts: object, at: object
) -> Heard | None:
    """Put together what was said, None where something about it is not as Slack says such things."""
    event_id, person, said_at = body.get("event_id"), body["event"].get("user"), moment_of(at)
    if meant is None or said_at is None or moment_of(ts) is None:
        return None
    if not (_is_id(event_id, EVENT_LENGTH) and _is_id(person, PERSON_LENGTH) and _is_id(channel, PERSON_LENGTH)):
        return None
    return Heard(str(event_id), said, way, meant, str(person), str(channel), str(ts), said_at)


def _is_id(given: object, most: int) -> bool:
    return isinstance(given, str) and given.isascii() and given.isalnum() and len(given) <= most

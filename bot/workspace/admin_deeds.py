"""What people and administrators change from the page: statuses, groups, channels, the app's installation."""

from __future__ import annotations

from bot.workspace.deeds import Deed, answer
from bot.workspace.model import Json
from bot.workspace.records import Answer
from bot.workspace.seat import Seat

ZONES = {
    "Etc/UTC": ("Coordinated Universal Time", 0),
    "America/Los_Angeles": ("Pacific Standard Time", -28800),
    "America/New_York": ("Eastern Standard Time", -18000),
    "Europe/London": ("Greenwich Mean Time", 0),
    "Europe/Berlin": ("Central European Time", 3600),
    "Asia/Kolkata": ("India Standard Time", 19800),
    "Asia/Tokyo": ("Japan Standard Time", 32400),
}
"""The time zones the page offers: name -> label and seconds east of UTC in winter."""


async def _status(seat: Seat, body: Json) -> Answer:
    """`text` (or a short name of STATUSES), `emoji`, and `minutes` until it clears itself (0 = never)."""
    minutes = int(body.get("minutes") or 0)
    until = seat.workspace.now() + 60 * minutes if minutes else 0
    text, emoji = str(body.get("text", "")), str(body.get("emoji", ""))
    return answer(await seat.happenings.status_set(body["as"], text, emoji, until))


async def _profile(seat: Seat, body: Json) -> Answer:
    """`tz`, `presence` (active, away), `pause_minutes` for notifications."""
    tz = str(body["tz"])
    if tz not in ZONES:
        raise ValueError(f"this page knows no time zone {tz}")
    minutes = int(body.get("pause_minutes") or 0)
    await seat.happenings.paused(body["as"], seat.workspace.now() + 60 * minutes if minutes else 0)
    label, offset = ZONES[tz]
    presence = "away" if body.get("presence") == "away" else "active"
    changed = {"tz": tz, "tz_label": label, "tz_offset": offset, "presence": presence}
    return answer(await seat.happenings.person_changed(body["as"], **changed))


async def _group(seat: Seat, body: Json) -> Answer:
    group, users = str(body["group"]), [str(user) for user in body["users"]]
    if group not in seat.workspace.groups or not set(users) <= set(seat.workspace.users):
        raise LookupError("there is no such group, or no such person")
    return answer(await seat.happenings.group_changed(group, users))


async def _create(seat: Seat, body: Json) -> Answer:
    private, bot = bool(body.get("private")), bool(body.get("invite_bot"))
    await seat.happenings.channel_created(str(body["name"]), body["as"], private=private, invite_bot=bot)
    return answer(None)


async def _channel(seat: Seat, body: Json) -> Answer:
    """`act` on `channel`: archive, unarchive, share, unshare, invite-bot, remove-bot, join, leave."""
    channel, by, happen = str(body["channel"]), body["as"], seat.happenings
    if channel not in seat.workspace.channels:
        raise LookupError("there is no such channel")
    acts = {
        "archive": lambda: happen.archived(channel, by),
        "unarchive": lambda: happen.unarchived(channel, by),
        "share": lambda: happen.shared_outside(channel),
        "unshare": lambda: happen.shared_outside(channel, False),
        "invite-bot": lambda: happen.bot_invited(channel, by),
        "remove-bot": lambda: happen.bot_removed(channel, by),
        "join": lambda: happen.joined(by, channel),
        "leave": lambda: happen.left(by, channel),
    }
    if body.get("act") not in acts:
        raise ValueError(f"a channel can be {', '.join(acts)}; not {body.get('act')}")
    return answer(await acts[body["act"]]())


async def _app(seat: Seat, body: Json) -> Answer:
    """`act`: uninstall, revoke, install."""
    happen = seat.happenings
    if body.get("act") == "install":
        happen.installed_again()
        seat.workspace.bump()
        return answer(None)
    acts = {"uninstall": happen.uninstalled, "revoke": happen.tokens_revoked}
    if body.get("act") not in acts:
        raise ValueError("the app can be uninstalled, revoked or installed")
    return answer(await acts[body["act"]]())


ADMIN_DEEDS: dict[str, Deed] = {
    "status": _status,
    "profile": _profile,
    "group": _group,
    "create-channel": _create,
    "channel": _channel,
    "app": _app,
}

"""Rights of agents as lines: what, for whom, until when, by whom. Pure, from stored state."""

from collections.abc import Mapping
from datetime import datetime

from bot.cards.blocks import date, mrkdwn
from governance.automations import GrantKind
from governance.text import cut, one_line
from storage.grants import is_live
from storage.tables import Grant


def grant_line(grant: Grant, names: Mapping[str, str], now: datetime) -> str:
    """Return a grant in one line of mrkdwn. `names` are those of automations, by id."""
    return f"`{grant.id}` *{_short(grant.agent_id)}* {what(grant, names)} · {_holds(grant, now)} · {_by(grant)}"


def what(grant: Grant, names: Mapping[str, str]) -> str:
    """Return what a grant lets an agent do."""
    if grant.kind is GrantKind.CAPABILITY:
        return f"has `{_short(grant.capability or '')}`"
    id = grant.automation_id or ""
    return f"may change {_short(names.get(id, 'an automation'))} (`{id}`)"


def why_line(grant: Grant, names: Mapping[str, str], now: datetime) -> str:
    """Return a grant with why it was given; an agent's own words stand in the Details of what was countersigned."""
    if grant.request_id is not None:
        return f"{grant_line(grant, names, now)}\ncountersigned as `{grant.request_id}`"
    said = f"“{mrkdwn(cut(one_line(grant.reason), 300))}”" if grant.reason else "no reason was given"
    return f"{grant_line(grant, names, now)}\n{said}"


def _holds(grant: Grant, now: datetime) -> str:
    if grant.revoked_at is not None:
        return f"ended {date(grant.revoked_at)}"
    if not is_live(grant, now):
        return f"ended {date(grant.expires_at)}" if grant.expires_at else "ended"
    return f"until {date(grant.expires_at)}" if grant.expires_at else "until revoked"


def _by(grant: Grant) -> str:
    return f"by <@{grant.granted_by}>" if grant.granted_by else "by nobody on record"


def _short(text: str) -> str:
    return mrkdwn(cut(one_line(text), 100)).replace("`", "'")

"""`who-can-approve`: who could answer a call, before it is made."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database


@click.command("who-can-approve")
@click.argument("tool")
@click.option("--agent", "agent_id", required=True, metavar="ID", help="The agent that would call.")
@click.option("--for", "on_behalf_of", metavar="PERSON", help="The person it would name.")
@click.option(
    "--at", "moment", metavar="TIME", help="Another moment, such as 2026-11-22T03:00+01:00; UTC without a zone."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def who_can_approve(tool: str, agent_id: str, on_behalf_of: str | None, moment: str | None, as_json: bool) -> None:
    """Say who could answer a call of TOOL: the people and groups asked, and who of them is there.

    With SLACK_BOT_TOKEN Slack is asked who is in the user groups, who may decide, and who has set a status that says
    they are away; without it only names are known. Ends with status 1 where too few people are within reach.
    """
    from bot.cards.reach import told_plainly

    found = with_database(lambda database: _found(database, tool, agent_id, on_behalf_of, _at(moment)))
    click.echo(json.dumps(_wire(found)) if as_json else told_plainly(found))
    if found.verdict.asks and found.trouble is None and not found.can_settle:
        raise SystemExit(1)


def _at(moment: str | None) -> datetime | None:
    if moment is None:
        return None
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise click.BadParameter("write a moment like 2026-11-22T03:00+01:00", param_hint="--at") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _found(database: Any, tool: str, agent_id: str, on_behalf_of: str | None, at: datetime | None) -> Any:
    from bot.office import Office
    from bot.office.reaching import reach
    from bot.policy import PolicySource
    from bot.settings import read_settings
    from bot.slack import new_client

    settings = read_settings(os.environ)
    client = new_client(settings.bot_token, settings.slack_api_url)
    office = Office(database, PolicySource(settings.config, os.environ), client)
    return await reach(office, tool, agent_id, on_behalf_of, at)


def _wire(found: Any) -> dict[str, Any]:
    return {
        "tool": found.tool, "agent": found.agent, "at": found.at.isoformat(), "asks": found.verdict.asks,
        "tier": found.verdict.tier, "code": found.verdict.code, "reason": found.verdict.reason,
        "quorum": found.quorum, "places": _places(found.places), "within_reach": sorted(found.near),
        "can_settle": found.can_settle if found.trouble is None else None,
        "escalate_after_seconds": found.escalate_after.total_seconds() if found.escalate_after else None,
        "escalate_to": _places(found.escalation), "admins": [_candidate(one) for one in found.admins],
        "slack": found.trouble or "asked",
    }  # fmt: skip


def _places(places: Any) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "name": one.name, "group": one.is_group, "people": [_candidate(each) for each in one.people]}
        for one in places
    ]


def _candidate(one: Any) -> dict[str, Any]:
    until = one.absence.until if one.absence else None
    return {
        "id": one.id, "name": one.name, "bearing": one.bearing, "away_until": until.isoformat() if until else None,
        "delegate": one.delegate, "covered_by": one.covered_by,
        "quiet_until": one.quiet_until.isoformat() if one.quiet_until else None,
    }  # fmt: skip

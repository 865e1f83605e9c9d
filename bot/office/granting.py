"""Rights given to agents by people in Slack, and taken back: the same verbs and checks as at the other doors."""

from dataclasses import dataclass
from datetime import timedelta

from bot.office import Office
from bot.office.asking import Filed, ask
from bot.office.automations import carry_out
from bot.office.caretaking import caller_of
from governance.errors import Unprocessable
from governance.policy import Agent
from governance.questions import AGENT, DEPTH_OVERRIDE
from operations import grants as operation
from operations.grants import LASTS
from storage.tables import Automation, Grant, RequestType

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to give an agent: the right to change one automation, or a capability; why, for how long."""

    agent: Agent
    right: Automation | str
    reason: str
    lasts: timedelta = LASTS


async def give(office: Office, person: str, wanted: Wanted) -> Grant | Filed:
    """Let an agent change an automation, as an admin; or ask another person to countersign a capability.

    Raises Forbidden, Unprocessable, and what filing a question raises.
    """
    if not wanted.reason.strip():
        raise Unprocessable("reason: say why; whoever looks at the grant reads it.")
    agent, right = wanted.agent, wanted.right
    if isinstance(right, Automation):
        caller = caller_of(office, person)
        return await carry_out(
            office, caller,
            lambda tx, policy, by: operation.give(tx, policy, by, right.id, agent.id, wanted.reason, wanted.lasts),
        )  # fmt: skip
    hours = wanted.lasts / _HOUR
    if right == DEPTH_OVERRIDE:
        context, kind = {"hours": hours}, RequestType.DEPTH_OVERRIDE
        return await ask(office, person, kind, (AGENT, agent.id), wanted.reason, context)
    asked = {"capability_key": right, "hours": hours}
    return await ask(office, person, RequestType.CAPABILITY_REQUEST, (AGENT, agent.id), wanted.reason, asked)


async def revoke(office: Office, person: str, grant_id: str, reason: str | None) -> Grant:
    """Take a right back at once, as an admin. Raises NotFound and Forbidden."""
    caller = caller_of(office, person)
    return await carry_out(
        office, caller, lambda tx, policy, by: operation.revoke(tx, policy, by, grant_id, reason or None)
    )

"""What people do to automations in Slack, as themselves: the same verbs and checks as at the other doors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.office import Office
from bot.office.asking import Filed, ask
from bot.office.automations import as_person, carry_out
from governance.authorising import Caller
from governance.errors import Conflict
from governance.questions import AUTOMATION
from governance.roles import role_of
from operations import automations as operation
from operations import ending
from storage import automation_lists, automations, grants, runs
from storage.tables import ApprovalRequest, Automation, AutomationFinding, AutomationRun, Grant, RequestType

_MANY = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """One automation with what there is to know about it; `question` is open about it, None where none is."""

    row: Automation
    runs: Sequence[AutomationRun]
    findings: Sequence[AutomationFinding]
    grants: Sequence[Grant]
    question: ApprovalRequest | None


def caller_of(office: Office, person: str) -> Caller:
    """Return a person as whoever acts, with the role the policy gives them."""
    return as_person(person, role_of(office.policy.current, person))


async def look(office: Office, row: Automation) -> Looked:
    """Read what there is to know about an automation."""
    async with office.database.read(office.tenant) as tx:
        return Looked(
            row, await runs.page(tx, row.id, None, _MANY), await automations.findings(tx, row.id),
            await grants.page(tx, automation_id=row.id, live_only=True, limit=_MANY),
            (await automation_lists.questions(tx, [row.id])).get(row.id),
        )  # fmt: skip


async def pause(office: Office, person: str, automation_id: str, reason: str | None) -> Automation:
    """Pause an automation with its runs: its owner may, operators and admins."""
    return await carry_out(
        office, caller_of(office, person),
        lambda tx, policy, by: operation.pause(tx, policy, by, automation_id, reason or None),
    )  # fmt: skip


async def resume(office: Office, person: str, automation_id: str) -> Automation:
    """Let it go on, once nothing is owed that stands against it."""
    return await carry_out(
        office, caller_of(office, person), lambda tx, policy, by: operation.resume(tx, policy, by, automation_id)
    )


async def retire(office: Office, person: str, automation_id: str, reason: str | None) -> Automation:
    """End it: its owner may, and admins."""
    return await carry_out(
        office, caller_of(office, person),
        lambda tx, policy, by: ending.retire_by(tx, policy, by, automation_id, reason or None),
    )  # fmt: skip


async def extend(
    office: Office, person: str, automation_id: str, until: datetime | None, reason: str | None
) -> Automation:
    """Let it go on until a moment, None for as long as the limits say: its owner may, and admins."""
    return await carry_out(
        office, caller_of(office, person),
        lambda tx, policy, by: ending.extend_by(tx, policy, by, automation_id, until, reason or None),
    )  # fmt: skip


async def restore(office: Office, person: str, automation_id: str) -> Automation:
    """Bring back what was deleted: admins may, for a week."""
    return await carry_out(
        office, caller_of(office, person), lambda tx, policy, by: ending.restore(tx, policy, by, automation_id)
    )


async def review(office: Office, person: str, row: Automation) -> ApprovalRequest:
    """Return the open question about an automation, asked anew where one is owed and none is open.

    Raises Conflict where nothing is owed.
    """
    open_one = (await look(office, row)).question
    if open_one is not None:
        return open_one
    if not row.review_required:
        raise Conflict(f"Nobody owes automation “{row.name}” a review.", code="NO_REVIEW_OWED")
    filed: Filed = await ask(office, person, RequestType.LIFECYCLE_REVIEW, (AUTOMATION, row.id), "Asked for in Slack.")
    return filed.request

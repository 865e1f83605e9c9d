"""The one way to answer for a call whose outcome is unknown, for every door: person, live groups, one transaction."""

from dataclasses import dataclass

from bot.office import Office
from bot.office.deciding import cannot_ask
from bot.slack import CLICK_AGE, KEY_AGE, SlackTrouble
from governance.errors import Forbidden, NotFound
from governance.reconciling import Finding
from operations import reconcile as operation
from operations.review import Members
from storage.database import Tx
from storage.tables import Door, Execution, Proposal


@dataclass(frozen=True, slots=True)
class Reconciling:
    """One person's answer as it came in at one door. `seen_attempt` is what the card showed."""

    person: str
    finding: Finding
    via: Door
    reason: str | None = None
    seen_attempt: int | None = None


async def reconcile(office: Office, proposal_id: str, given: Reconciling) -> Execution:
    """Record one person's answer. Raises what `operations.reconcile.reconcile` raises, Forbidden and CannotAskSlack."""
    try:
        members = await _members(office, proposal_id, given)
    except SlackTrouble as trouble:
        if given.via is not Door.API or given.person not in office.policy.current.offline_deciders:
            raise cannot_ask(office, given.person) from trouble
        members = {}

    async def record(tx: Tx) -> Execution:
        return await operation.reconcile(
            tx, office.policy.current, proposal_id, given.person, given.finding, given.reason, members,
            seen_attempt=given.seen_attempt,
        )  # fmt: skip

    return await office.database.write(office.tenant, record)


async def _members(office: Office, proposal_id: str, given: Reconciling) -> Members:
    """Check that the person is a full member, and return the live members of the user groups of the request."""
    max_age = CLICK_AGE if given.via is Door.SLACK else KEY_AGE
    person = await office.directory.person(given.person, max_age)
    if not person.may_decide:
        raise Forbidden("Only full members of this workspace may answer for a call.", code="NOT_A_MEMBER")
    async with office.database.read(office.tenant) as tx:
        if await tx.get(Proposal, proposal_id) is None:
            raise NotFound("There is no proposal under this id.")
        panel = await operation.panel_of_proposal(tx, proposal_id)
    return await office.directory.members(panel, max_age) if panel is not None else {}

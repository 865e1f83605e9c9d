"""People take back what was asked for them; reviewers and strangers cannot."""

import pytest

from governance.errors import AlreadyDecided, ArgumentsChanged, Forbidden, NotFound
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from operations.withdraw import withdraw_by_person
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import AuditEntry, OutboxMessage, Proposal
from tests.integration.verbs import TENANT, asked, look, rows, say


async def take_back(
    database: Database, policy: Policy, found: Dossier, person: str, version: int | None = None
) -> Proposal:
    proposal_id = found.proposal.id
    return await database.write(
        TENANT, lambda tx: withdraw_by_person(tx, policy, proposal_id, person, " not needed ", version)
    )


@pytest.mark.parametrize("person", ["U0CAROL", "U0ALICE", "U0ADMIN"])
async def test_the_requester_the_creator_and_admins_withdraw(database: Database, policy: Policy, person: str) -> None:
    found = await asked(database, policy, on_behalf_of="U0CAROL")
    assert (await take_back(database, policy, found, person, 1)).state is ProposalState.WITHDRAWN
    request = (await look(database, found)).request
    assert request is not None
    assert (request.status, request.decided_by, request.reason) == (RequestStatus.WITHDRAWN, person, "not needed")
    (entry,) = await rows(database, AuditEntry, kind="approval.withdrawn")
    assert entry.actor == f"person:{person}"
    told = [one.payload["person"] for one in await rows(database, OutboxMessage, kind="tell")]
    assert sorted(told) == ["U0ALICE", "U0CAROL"]


@pytest.mark.parametrize("person", ["U0BOB", "U0MALLORY"])
async def test_reviewers_and_strangers_do_not(database: Database, policy: Policy, person: str) -> None:
    found = await asked(database, policy)
    with pytest.raises(Forbidden, match="reviewers may reject it"):
        await take_back(database, policy, found, person)
    assert (await look(database, found)).proposal.state is ProposalState.PENDING


async def test_what_is_settled_or_has_changed_is_not_withdrawn(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    with pytest.raises(ArgumentsChanged):
        await take_back(database, policy, found, "U0ALICE", 2)
    await say(database, found, "U0BOB")
    with pytest.raises(AlreadyDecided) as refused:
        await take_back(database, policy, found, "U0ALICE")
    assert refused.value.details["winner"]["by"] == "U0BOB"


async def test_an_answer_after_it_was_withdrawn_is_told_by_whom(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await take_back(database, policy, found, "U0ALICE")
    with pytest.raises(AlreadyDecided, match="This request was withdrawn") as refused:
        await say(database, found, "U0BOB")
    assert refused.value.details["winner"]["by"] == "U0ALICE"


async def test_an_unknown_proposal_is_not_found(database: Database, policy: Policy) -> None:
    with pytest.raises(NotFound):
        await database.write(TENANT, lambda tx: withdraw_by_person(tx, policy, "prp_unknown", "U0ALICE", None))

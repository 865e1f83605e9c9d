"""What people do to a request besides answering it, for every door: check the person, ask Slack, one transaction."""

import asyncio
from collections.abc import Sequence

from bot.office import Office
from bot.office.deciding import CannotAskSlack, cannot_ask, check_member, may_decide_offline
from bot.slack import SlackTrouble
from governance.canonical import canonical
from governance.errors import NotFound, Refusal, Unprocessable
from governance.policy import Policy, Problem
from operations import delegate as delegating
from operations import edit as editing
from operations import reask as reasking
from operations import withdraw as withdrawing
from operations.delegate import Handing
from operations.edit import Edit
from operations.reask import Asker
from operations.review import Members, panel_of_request
from storage import requests
from storage.tables import ApprovalRequest, Door, Proposal

_OFF_THE_LOOP = 8 * 1024


async def delegate(office: Office, request_id: str, handing: Handing) -> ApprovalRequest:
    """Hand a place on; the taker must be a full member too. Raises what `operations.delegate.delegate` raises."""
    request = await _request(office, request_id)
    members = await _members(office, request, handing.giver, handing.via)
    await _check_taker(office, handing)
    policy = office.policy.current
    return await office.database.write(
        office.tenant, lambda tx: delegating.delegate(tx, policy, request_id, handing, members)
    )


async def edit_arguments(office: Office, request_id: str, edit: Edit) -> ApprovalRequest:
    """Replace the arguments of a call. Raises what `operations.edit.edit_arguments` raises."""
    request = await _request(office, request_id)
    members = await _members(office, request, edit.editor, edit.via)
    policy = office.policy.current
    checked = await _problems(office, policy, request, edit)
    return await office.database.write(
        office.tenant, lambda tx: editing.edit_arguments(tx, policy, request_id, edit, members, checked)
    )


async def ask_again(office: Office, proposal_id: str, asker: Asker, via: Door) -> Proposal:
    """Have people asked again about a call. Raises what `operations.reask.ask_again` raises."""
    async with office.database.read(office.tenant) as tx:
        proposal = await tx.get(Proposal, proposal_id)
        request = await requests.of_proposal(tx, proposal.id) if proposal else None
    members: Members = {}
    if asker.person is not None:
        members = await _members(office, request, asker.person, via)
    policy = office.policy.current
    return await office.database.write(
        office.tenant, lambda tx: reasking.ask_again(tx, policy, proposal_id, asker, members)
    )


async def withdraw(office: Office, proposal_id: str, person: str, reason: str | None, seen_version: int) -> Proposal:
    """Take a proposal back by a click. Raises what `operations.withdraw.withdraw_by_person` raises."""
    await _members(office, None, person, Door.SLACK)
    policy = office.policy.current
    return await office.database.write(
        office.tenant,
        lambda tx: withdrawing.withdraw_by_person(tx, policy, proposal_id, person, reason, seen_version),
    )


async def _request(office: Office, request_id: str) -> ApprovalRequest:
    async with office.database.read(office.tenant) as tx:
        request = await tx.get(ApprovalRequest, request_id)
    if request is None:
        raise NotFound("There is no approval request under this id.")
    return request


async def _members(office: Office, request: ApprovalRequest | None, person: str, via: Door) -> Members:
    """Check that a person is a full member; return the live members of the groups a request asks."""
    try:
        await check_member(office, person, via)
        return await office.directory.members(panel_of_request(request)) if request else {}
    except SlackTrouble as trouble:
        if not may_decide_offline(office, person, via):
            raise cannot_ask(office, person) from trouble
        return {}


async def _check_taker(office: Office, handing: Handing) -> None:
    try:
        taker = await office.directory.person(handing.taker)
    except SlackTrouble as trouble:
        raise CannotAskSlack() from trouble
    if not taker.may_decide:
        raise Unprocessable("to: this is no full member of the workspace, so they may not decide; name somebody else.")


async def _problems(office: Office, policy: Policy, request: ApprovalRequest, edit: Edit) -> Sequence[Problem] | None:
    """Validate large arguments away from the event loop; None where the verb may as well do it itself.

    What was found holds in the transaction too: it refuses an edit of any other version than the one read here.
    """
    pinned = edit.seen_digest == request.digest or edit.seen_version == request.version
    if not pinned or not isinstance(edit.arguments, dict):
        return None
    async with office.database.read(office.tenant) as tx:
        proposal = await tx.get(Proposal, request.proposal_id)
        assert proposal is not None  # the foreign key says so
        try:
            _, tool = editing.live_parties(policy, proposal)
            after = editing.completed(tx, proposal, tool, edit.arguments)
        except Refusal:
            return None  # the verb says so, in its turn
    if len(canonical(after)) <= _OFF_THE_LOOP:
        return None
    return await asyncio.to_thread(tool.find_problems, after)

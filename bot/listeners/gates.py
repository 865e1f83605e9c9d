"""Who may press what, asked before a modal opens; the submission asks again."""

from bot.office import Office
from governance.errors import Forbidden, NotFound
from governance.reconciling import check_may_reconcile
from governance.reviewers import seat_of
from operations.reconcile import check_unknown
from operations.review import Members, check_answerable, panel_of_request
from storage.dossier import Dossier
from storage.tables import ApprovalRequest


def asked_in(dossier: Dossier) -> ApprovalRequest:
    """Return the request of a dossier. Raises NotFound where nobody was asked."""
    if dossier.request is None:
        raise NotFound("Nobody was asked about this call, so there is nothing to answer.")
    return dossier.request


async def check_may_answer(office: Office, dossier: Dossier, user: str, version: int) -> Members:
    """Refuse now what the submission would refuse later, before somebody writes a reason in vain.

    Returns the live members of the request's user groups.
    """
    request = asked_in(dossier)
    panel = panel_of_request(request)
    members = await office.directory.members(panel)
    seat_of(panel, user, members, [one.giver for one in dossier.delegations if one.taker == user])
    check_answerable(request, office.database.clock(), version)
    return members


async def check_may_look(office: Office, dossier: Dossier, user: str) -> None:
    """Details open for reviewers, whoever has a place of theirs, the requester, the agent's creator and admins."""
    proposal = dossier.proposal
    insiders = {proposal.requester, proposal.on_behalf_of, proposal.creator, *office.policy.current.admins}
    insiders |= {one.taker for one in dossier.delegations}
    if user in insiders:
        return
    panel = panel_of_request(dossier.request) if dossier.request else None
    if panel is None or not panel.admits(user, await office.directory.members(panel)):
        raise Forbidden("Details open for the reviewers of this request, its requester and admins only.")


async def check_may_find(office: Office, dossier: Dossier, user: str, attempt: int) -> None:
    """Refuse now what answering for a call whose outcome is unknown would refuse later."""
    proposal, policy = dossier.proposal, office.policy.current
    panel = panel_of_request(dossier.request) if dossier.request else None
    members = await office.directory.members(panel) if panel else {}
    check_may_reconcile(policy, panel, proposal.creator, proposal.tool, user, members)
    check_unknown(dossier.execution, proposal, attempt)

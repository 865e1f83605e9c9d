"""Answering for a call whose outcome nobody knows: who may, and where each answer leads."""

from collections.abc import Mapping
from enum import StrEnum

from governance.errors import Forbidden
from governance.lifecycle import ExecutionStatus
from governance.policy import Policy
from governance.reviewers import Panel


class Finding(StrEnum):
    """What a person found out, or decided."""

    HAPPENED = "happened"
    DID_NOT = "did_not"
    RUN_AGAIN = "run_again"


STATUS_AFTER = {
    Finding.HAPPENED: ExecutionStatus.SUCCEEDED,
    Finding.DID_NOT: ExecutionStatus.FAILED,
    Finding.RUN_AGAIN: ExecutionStatus.QUEUED,
}


def check_may_reconcile(
    policy: Policy, panel: Panel | None, creator: str, tool: str, person: str, members: Mapping[str, frozenset[str]]
) -> None:
    """Raise Forbidden or SelfReview where a person may not answer for a call.

    Whoever may decide its request may; admins and operators may. Where nobody was asked, the agent's creator may,
    unless the tool keeps the creator from approving. Whoever asked for a call never answers for it.
    """
    if panel is not None and (person == panel.requester or panel.admits(person, members)):
        panel.check(person, members)
        return
    if person in (*policy.admins, *policy.operators):
        return
    if panel is None and person == creator and not _bars_creator(policy, tool):
        return
    raise Forbidden(
        "Only its reviewers, admins and operators may say what became of this call.", code="MAY_NOT_RECONCILE"
    )


def _bars_creator(policy: Policy, tool: str) -> bool:
    """A tool that has left the policy bars nobody any more, so it must not open a door either."""
    found = policy.tools.get(tool)
    return found is None or found.creator_may_approve is False

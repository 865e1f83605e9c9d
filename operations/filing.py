"""Questions about governance that an agent or a person files, worded by us; what a rule demands is asked by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from governance.automations import Actor, ActorKind
from governance.canonical import Json
from governance.errors import Conflict, Forbidden, TooMany, Unprocessable
from governance.policy import Agent, Policy
from governance.questions import AGENT, AUTOMATION, LONGEST, capability_in, hours_in
from governance.text import cut, one_line
from operations.question import Question, open_question
from operations.retirement import retirement_question
from storage import governing, proposals, requests
from storage.database import Tx
from storage.limits import policy_in_force
from storage.tables import AgentReview, ApprovalRequest, Automation, RequestType

_T = RequestType
_TARGETS = {
    _T.CAPABILITY_REQUEST: (AGENT,), _T.EXTERNAL_POST: (AGENT,), _T.QUOTA_OVERRIDE: (AGENT,),
    _T.ELEVATED_CAPABILITY: (AGENT,), _T.DEPTH_OVERRIDE: (AGENT,), _T.RETIREMENT_ACTION: (AUTOMATION,),
    _T.LIFECYCLE_REVIEW: (AGENT, AUTOMATION),
}  # fmt: skip
#: What an agent may ask for itself.
_BY_AGENTS = frozenset({_T.CAPABILITY_REQUEST, _T.EXTERNAL_POST, _T.ELEVATED_CAPABILITY, _T.DEPTH_OVERRIDE})
#: What is asked once about its target, whoever wants it asked.
_ONE_EACH = frozenset({_T.QUOTA_OVERRIDE, _T.LIFECYCLE_REVIEW, _T.RETIREMENT_ACTION})


@dataclass(frozen=True, slots=True)
class Filing:
    """What somebody files. `governs` says whether they may do so for agents and automations that are not theirs."""

    kind: RequestType
    target: tuple[str, str]
    rationale: str
    context: Mapping[str, Json]
    by: Actor
    governs: bool = False
    expires_at: datetime | None = None


async def file_request(tx: Tx, policy: Policy, filing: Filing) -> tuple[ApprovalRequest, bool]:
    """File a question; returns the request and whether it is new: the same one may be open already.

    Raises Forbidden where it is not the filer's to ask or nobody could answer it, Unprocessable for what means
    nothing, Conflict for what there is no occasion for, TooMany; then nothing is written.
    """
    if filing.target[0] not in _TARGETS[filing.kind]:
        raise Unprocessable(f"target_resource.type: {filing.kind} is about an {' or '.join(_TARGETS[filing.kind])}.")
    policy = await policy_in_force(tx, policy)
    await _check_room(tx, policy, filing)
    subject = await _subject(tx, policy, filing)
    if filing.kind in _ONE_EACH:
        found = await requests.open_about(tx, filing.kind, filing.target)
        if live := [one for one in found if one.expires_at > tx.now]:
            return live[-1], False
    owed = await _owed(tx, filing, subject) if filing.kind is _T.LIFECYCLE_REVIEW else None
    question = replace(await _worded(tx, policy, filing, subject), ttl=_ttl(tx, filing))
    request, is_new = await open_question(tx, policy, question)
    if owed is not None:
        owed.review_request_id = request.id
        await tx.session.flush()
    return request, is_new


async def _check_room(tx: Tx, policy: Policy, filing: Filing) -> None:
    by, limit = filing.by, policy.limits.max_open_requests
    if by.kind is not ActorKind.AGENT or by.id is None:
        return
    if filing.kind not in _BY_AGENTS or filing.target != (AGENT, by.id):
        raise Forbidden(
            f"An agent may file {', '.join(sorted(_BY_AGENTS))}, and only about itself.",
            code="GOVERNANCE_APPROVAL_FORBIDDEN",
        )
    if await proposals.count_waiting(tx, by.id, questions=True) >= limit:
        sentence = f"Agent {by.id} already has {limit} requests open; wait for answers or withdraw some."
        raise TooMany(sentence, code="TOO_MANY_PENDING")


async def _subject(tx: Tx, policy: Policy, filing: Filing) -> Agent | Automation:
    """Return what it is about. Raises Unprocessable where there is no such thing, Forbidden where it is not theirs."""
    kind, target_id = filing.target
    found: Agent | Automation | None
    if kind == AGENT:
        found = policy.agents.get(target_id)
        found = None if found is not None and found.is_internal else found
    else:
        found = await governing.automation(tx, target_id)
    is_theirs = found is not None and filing.by.id == (found.creator if isinstance(found, Agent) else found.owner)
    if found is None:
        raise Unprocessable(f"target_resource.id: there is no {kind} {target_id[:80]!r}.")
    if not (filing.governs or is_theirs or filing.by.kind is ActorKind.AGENT):
        raise Forbidden(
            f"Only operators, admins and the person this {kind} belongs to may file this.",
            code="GOVERNANCE_APPROVAL_FORBIDDEN",
        )
    return found


async def _owed(tx: Tx, filing: Filing, subject: Agent | Automation) -> Automation | AgentReview:
    """Return what owes the review that is asked for. Raises Conflict where none is owed."""
    owed: Automation | AgentReview | None
    owed = subject if isinstance(subject, Automation) else await governing.agent_review(tx, filing.target[1])
    if owed is None or not owed.review_required:
        raise Conflict(f"No review is owed for this {filing.target[0]}.", code="NO_REVIEW_OWED")
    return owed


def _ttl(tx: Tx, filing: Filing) -> timedelta | None:
    if filing.expires_at is None:
        return None
    if not timedelta(0) < filing.expires_at - tx.now <= LONGEST:
        raise Unprocessable(f"expires_at: name a moment from now on, at most {LONGEST.days} days ahead.")
    return filing.expires_at - tx.now


async def _worded(tx: Tx, policy: Policy, filing: Filing, subject: Agent | Automation) -> Question:
    if isinstance(subject, Automation):
        if filing.kind is _T.RETIREMENT_ACTION:
            asked = retirement_question(policy, subject, filing.rationale, filing.context)
            return replace(asked, asked_by=filing.by)
        return _review(filing, cut(one_line(subject.name), 120), subject.owner)
    if filing.kind is _T.LIFECYCLE_REVIEW:
        return _review(filing, subject.name, subject.creator)
    title, consequence = await _words_about(tx, policy, filing, subject)
    return Question(filing.kind, filing.target, title, consequence, filing.rationale, filing.context, filing.by)


def _review(filing: Filing, name: str, owner: str) -> Question:
    """Return the review that is owed anyway, asked once more: whoever wants it asked may be the one to give it."""
    about_agent = filing.target[0] == AGENT
    yes = "it may create automations again" if about_agent else "it is no longer held up"
    no = "leaves it blocked" if about_agent else "asks whether it is to be retired"
    return Question(
        filing.kind, filing.target, f"Review {name}",
        f"Approving says that you looked at {filing.target[0]} “{name}”: {yes}. Rejecting {no}.",
        filing.rationale, {**filing.context, "asked_for_by": filing.by.id}, Actor(ActorKind.SYSTEM), (owner,),
    )  # fmt: skip


async def _words_about(tx: Tx, policy: Policy, filing: Filing, agent: Agent) -> tuple[str, str]:
    """Return title and consequence of what is asked for an agent."""
    if filing.kind is _T.EXTERNAL_POST:
        return f"External post by {agent.name}", f"Lets agent {agent.id} post exactly this outside, once"
    if filing.kind is _T.ELEVATED_CAPABILITY:
        return f"Elevated capability for {agent.name}", f"Lets agent {agent.id} use exactly this right, once"
    length = hours_in(filing.context, None if filing.kind is _T.QUOTA_OVERRIDE else policy.limits.approval_ttl)
    held = f"for {length / timedelta(hours=1):g} h from the approval on" if length else "until its week ends"
    if filing.kind is _T.DEPTH_OVERRIDE:
        return f"Deeper work by {agent.name}", f"Lets agent {agent.id} create work below its depth limit {held}"
    if filing.kind is _T.CAPABILITY_REQUEST:
        named = cut(one_line(capability_in(filing.context)), 120)
        return f"Capability for {agent.name}", f"Gives agent {agent.id} the capability “{named}” {held}"
    if await governing.live_stop(tx, agent.id) is None:
        raise Conflict(f"Agent {agent.id} is not stopped for what it spent.", code="NOT_STOPPED")
    return (
        f"Lift the spend stop of {agent.name}",
        f"Lets agent {agent.id} go on {held}, with the runs that were stopped",
    )

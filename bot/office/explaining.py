"""What would happen to a call, and why: the dry run of the API and `countersign policy explain`."""

from typing import Literal

from typing_extensions import TypedDict

from bot.office import TENANT, Office
from bot.policy import InForce
from governance.canonical import call_digest
from governance.gates import judge
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.secret_fields import split
from governance.tiers import Tier
from governance.verdict import Outcome, Verdict
from operations.judging import consider
from operations.submission import Submission
from storage.database import Database, Tx

_STATES = {
    Tier.SHADOW: ProposalState.SHADOWED,
    Tier.SUGGEST: ProposalState.SUGGESTED,
    Tier.ACT_WITH_APPROVAL: ProposalState.PENDING,
}


class ProblemJson(TypedDict):
    """One thing wrong with one argument. `field` is a JSON Pointer, empty for the whole."""

    field: str
    message: str


class AskedJson(TypedDict):
    """Who would be asked, and how many of them have to agree."""

    reviewers: list[str]
    quorum: int


class VerdictJson(TypedDict):
    """What the policy says to a call, and the line of it that decided."""

    dry_run: Literal[True]
    tool: str
    outcome: Outcome
    state: ProposalState | Literal["unsupported"]
    tier: Tier | None
    reason: str
    code: str | None
    decided_by: str | None
    rule_id: str | None
    problems: list[ProblemJson]
    missing_scopes: list[str]
    approval: AskedJson | None


class ExplainedJson(VerdictJson):
    """What proposing a call would answer now, with the digest and the consequence that a card would show."""

    digest: str | None
    consequence: str | None


async def explain(office: Office, agent: Agent, submission: Submission) -> ExplainedJson:
    """Return what proposing this would answer now; nothing is written."""
    return await explain_on(office.database, office.policy, agent, submission, office.tenant)


async def explain_on(
    database: Database, source: InForce, agent: Agent, submission: Submission, tenant: str = TENANT
) -> ExplainedJson:
    """Return the same on a database of one's own."""
    async with database.read(tenant) as tx:
        verdict = await consider(tx, source.current, agent, submission)
        digest, consequence = _call(tx, source, submission)
        return {**told(source, submission, verdict), "digest": digest, "consequence": consequence}


def explain_alone(source: InForce, agent: Agent, submission: Submission) -> VerdictJson:
    """Return what the policy alone says, without pauses, recorded tiers, rules and budgets."""
    return told(source, submission, judge(source.current, agent, submission.call))


def told(source: InForce, submission: Submission, verdict: Verdict) -> VerdictJson:
    """Return a verdict with the line of the policy that decided."""
    panel = verdict.panel if verdict.asks else None
    return {
        "dry_run": True, "tool": submission.tool, "outcome": verdict.outcome, "state": _state(verdict),
        "tier": verdict.tier, "reason": verdict.reason, "code": verdict.code, "decided_by": source.where(verdict.place),
        "rule_id": verdict.rule.id if verdict.rule else None,
        "problems": [{"field": one.field, "message": one.message} for one in verdict.problems],
        "missing_scopes": list(verdict.missing_scopes),
        "approval": {"reviewers": list(panel.reviewers), "quorum": panel.quorum} if panel else None,
    }  # fmt: skip


def _state(verdict: Verdict) -> ProposalState | Literal["unsupported"]:
    if verdict.outcome is Outcome.UNSUPPORTED:
        return "unsupported"
    if verdict.tier is None:
        return ProposalState.DENIED
    return ProposalState.ALLOWED if verdict.runs else _STATES[verdict.tier]


def _call(tx: Tx, source: InForce, submission: Submission) -> tuple[str | None, str | None]:
    """Return the digest and the consequence that a card would show."""
    tool = source.current.tools.get(submission.tool)
    if tool is None:
        return None, None
    parts = split(submission.arguments, tool.secret_fields, tx.keys.digest_key)
    return call_digest(tool.name, tool.version, parts.hashed), tool.tell_consequence(parts.masked)

"""What Details say in short fields: identity, verdict, request and execution. Pure, from stored state."""

from bot.cards.answering import decider, signed
from bot.cards.blocks import Blocks, date, mrkdwn
from bot.cards.impact import declared_risk
from governance.text import cut, visible
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, Execution, Proposal

_FIELD = 2000  #: characters a field of a section holds


def facts_of(dossier: Dossier, budget: str = "") -> Blocks:
    """Return the fields as text objects, each a name over its value; names that an agent chose are not parsed."""
    ours = [
        *_of_proposal(dossier.proposal, budget),
        *(_of_request(dossier.request, dossier) if dossier.request else []),
        *(_of_execution(dossier.execution) if dossier.execution else []),
        *_ids(dossier),
    ]
    theirs = [f"{name}\n{visible(value)}" for name, value in _chosen_names(dossier.proposal).items() if value]
    return [
        *({"type": "mrkdwn", "text": cut(fact, _FIELD)} for fact in ours),
        *({"type": "plain_text", "text": cut(fact, _FIELD), "emoji": False} for fact in theirs),
    ]


def _chosen_names(proposal: Proposal) -> dict[str, str | None]:
    return {
        "Session": proposal.session_id, "Automation": proposal.automation_id, "Run": proposal.run_id,
        "Trace": proposal.trace_id, "Idempotency key": proposal.idempotency_key,
    }  # fmt: skip


def _of_proposal(proposal: Proposal, budget: str) -> list[str]:
    coded = f" (`{proposal.code}`)" if proposal.code else ""
    thread = f"<#{proposal.thread_channel}>" if proposal.thread_channel else None
    return [
        f"*Agent*\n{mrkdwn(proposal.agent_name)} (`{mrkdwn(proposal.agent_id)}`)",
        f"*Tool*\n`{mrkdwn(proposal.tool)}`, class `{mrkdwn(proposal.action_class)}`",
        f"*State*\n{proposal.state}", f"*Verdict*\n{mrkdwn(proposal.reason)}{coded}",
        f"*Risk and tier*\n{declared_risk(proposal)} · {proposal.tier}",
        *([f"*Runs unasked*\n{budget}"] if budget else []), f"*Asked*\n{date(proposal.created_at)}",
        *([f"*Rule*\n`{proposal.rule_id}`"] if proposal.rule_id else []),
        *([f"*Discussed in*\n{thread}"] if thread else []),
    ]  # fmt: skip


def _of_request(request: ApprovalRequest, dossier: Dossier) -> list[str]:
    settled = f"{request.status} {date(request.decided_at)}" if request.decided_at else f"{request.status}"
    by = f" by {decider(dossier)}" if request.decided_by else ""
    via = f" via {request.decided_via}" if request.decided_via else ""
    given = [f"{signed(one)} {one.verdict} {date(one.at)}" for one in dossier.reviews[:10]]
    handed = [f"<@{one.giver}> to <@{one.taker}> {date(one.at)}" for one in dossier.delegations[:10]]
    return [
        f"*Expires*\n{date(request.expires_at)}",
        f"*Quorum*\n{request.quorum} · version {request.version}", f"*Request*\n{settled}{by}{via}",
        *(["*Answers*\n" + "\n".join(given)] if given else []),
        *(["*Delegated*\n" + "\n".join(handed)] if handed else []),
    ]  # fmt: skip


def _of_execution(execution: Execution) -> list[str]:
    moments = {"queued": execution.queued_at, "started": execution.started_at, "ended": execution.finished_at}
    told = "\n".join(f"{word} {date(moment)}" for word, moment in moments.items() if moment)
    unasked = ", nobody was asked" if execution.unasked else ""
    return [f"*Execution*\n{execution.status} · attempt {execution.attempt}{unasked}\n{told}"]


def _ids(dossier: Dossier) -> list[str]:
    request, execution = dossier.request, dossier.execution
    kind = f", {request.request_type.replace('_', ' ')}" if request else ""
    return [
        f"*Proposal id*\n`{dossier.proposal.id}`", *([f"*Request id*\n`{request.id}`{kind}"] if request else []),
        *([f"*Execution id*\n`{execution.id}`"] if execution else []), f"*Digest*\n`{dossier.proposal.digest}`",
    ]  # fmt: skip

"""Stored state made by hand: what cards are drawn from, at every status, with any text from outside."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bot.cards.notes import NOTE_EVENTS
from governance.canonical import canonical
from governance.lifecycle import ExecutionStatus, ProposalState, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.tiers import Tier
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Delegation, Door, Execution, Proposal, RequestType, Review

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIGEST = "sha256:0123456789abcdef" + "0" * 48
RENDERING = "rnd_0001"
EVENTS = sorted(NOTE_EVENTS)
TOLD = ["succeeded", "failed", "unknown", "invalidated", "rejected", "expired", "withdrawn"]
DECIDED = (RequestStatus.APPROVED, RequestStatus.REJECTED)
ENDED = frozenset(ExecutionStatus) - {ExecutionStatus.QUEUED, ExecutionStatus.RUNNING}


def proposal(*, arguments=None, **changes):
    """A deployment asked for by `Deployer`."""
    made = {
        "id": "prp_0001", "tenant": "default", "agent_id": "deployer", "agent_name": "Deployer", "creator": "U0ALICE",
        "tool": "deploy.production", "tool_version": "v1", "title": "Deploy to production", "action_class": "deploy",
        "risk": "high_write", "digest": DIGEST, "call_hash": "h", "state": ProposalState.PENDING,
        "tier": Tier.ACT_WITH_APPROVAL, "reason": "tier act_with_approval by default", "created_at": NOW,
        "consequence": "Replaces checkout in production",
        "arguments": canonical(arguments if arguments is not None else {"service": "checkout"}).decode(),
    }  # fmt: skip
    return Proposal(**{**made, **changes})


def request(status=RequestStatus.PENDING, **changes):
    """A request to Bob, Carol and a group, two of whom must agree."""
    made = {
        "id": "apr_0001", "tenant": "default", "proposal_id": "prp_0001", "request_type": RequestType.TOOL_CALL,
        "status": status, "digest": DIGEST, "reviewers": ["U0BOB", "U0CAROL", "S0ONCALL"], "quorum": 2,
        "created_at": NOW, "expires_at": NOW + timedelta(hours=48), "version": 1,
    }  # fmt: skip
    if status in DECIDED:
        made |= {"decided_at": NOW, "decided_by": "U0BOB", "decided_via": Door.SLACK}
    elif status in (RequestStatus.EXPIRED, RequestStatus.WITHDRAWN):
        made |= {"decided_at": NOW}
    elif status is RequestStatus.DEFERRED:
        made |= {"reopen_at": NOW + timedelta(hours=1)}
    return ApprovalRequest(**{**made, **changes})


def review(reviewer, verdict=ReviewVerdict.APPROVE, reason=None, on_behalf_of=None):
    return Review(
        id=f"rev_{reviewer}", tenant="default", request_id="apr_0001", request_version=1, reviewer=reviewer,
        verdict=verdict, reason=reason, via=Door.SLACK, at=NOW, on_behalf_of=on_behalf_of,
    )  # fmt: skip


def execution(status=ExecutionStatus.QUEUED, **changes):
    made = {
        "id": "exe_0001", "tenant": "default", "proposal_id": "prp_0001", "status": status,
        "tier": Tier.ACT_WITH_APPROVAL, "attempt": 0 if status is ExecutionStatus.QUEUED else 1, "queued_at": NOW,
        "next_attempt_at": NOW, "start_by": NOW + timedelta(hours=1), "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=2.5) if status in ENDED else None,
    }  # fmt: skip
    return Execution(**{**made, **changes})


def delegation(giver, taker):
    return Delegation(id=f"dlg_{giver}", tenant="default", request_id="apr_0001", giver=giver, taker=taker, at=NOW)


def dossier(asked=None, reviews=(), running=None, delegations=(), **changes):
    """A dossier; `changes` are of the proposal."""
    return Dossier(proposal(**changes), asked, tuple(reviews), running, tuple(delegations))


PIECES = [
    "", " ", "\n", "x", "&", "`", "*_~", '"', "\\u0000\\", "😀", "𝕏", "漢", "⚠\ufe0f", "\u202e\u2066\u200b",
    "\x00\x1b[2J", "<!channel>", "<!subteam^S0ONCALL>", "<@U0EVIL>", "@channel", "<https://evil.example|click>",
    "https://evil.example", "{{ 7 * 7 }}{% raw %}", '","type":"actions","elements":[',
]  # fmt: skip


def entry(kind, actor="person:U0BOB", **detail):
    """An audit entry, as the trail in Details shows it."""
    return AuditEntry(tenant="default", at=NOW, kind=kind, actor=actor, detail=canonical(detail).decode())


def repeated(piece, times):
    return (piece * times)[:10_000]


texts = st.builds(repeated, st.sampled_from(PIECES), st.sampled_from([1, 1, 1, 80, 900, 10_000]))
#: What an operator may write as a name: at most 200 characters, one of them to be seen.
names = texts.map(lambda text: ("n" + text)[:200])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
many_fields = st.integers(0, 400).map(lambda n: {f"field {i}": "<!here>" * (i % 9) for i in range(n)})
argument_sets = st.dictionaries(texts, values, max_size=3) | many_fields
panels = st.integers(1, 30).map(lambda n: [f"{'USW'[i % 3]}{i:02}{'X' * 28}" for i in range(n)])

entries = st.builds(
    entry, st.sampled_from(["review.recorded", "approval.edited", "execution.finished", "proposal.pending"]),
    st.sampled_from(["person:U0BOB", "agent:deployer", "system", "person:" + "U" * 40, "person:"]),
    reason=st.none() | texts, result=st.none() | texts, version=st.integers(1, 9), digest_before=st.just(DIGEST),
    added=st.lists(st.just("U0DANA"), max_size=30), other=values,
)  # fmt: skip
trails = st.lists(entries, max_size=12)


@st.composite
def dossiers(draw):
    """Any stored state with any text from outside in it."""
    maybe = st.none() | texts
    state, runs, panel = (
        draw(st.sampled_from(RequestStatus)),
        draw(st.sampled_from([None, *ExecutionStatus])),
        draw(panels),
    )
    kind = draw(st.sampled_from(RequestType))
    verdict, reason = draw(st.sampled_from(ReviewVerdict)), draw(maybe)
    for_whom = draw(st.none() | st.just(panel[-1]))
    reviews = [review(one, verdict, reason, for_whom) for one in panel[: draw(st.integers(0, 20))]]
    edited = draw(st.none() | argument_sets)
    return dossier(
        request(
            state, reviewers=panel, quorum=draw(st.integers(1, 20)), reason=draw(maybe),
            editor=draw(st.none() | st.just("U0CAROL")), escalate_to=draw(st.just([]) | panels), request_type=kind,
        ),
        reviews,
        execution(runs, attempt=draw(st.integers(0, 20)), result=draw(maybe), error=draw(maybe)) if runs else None,
        [delegation(one, "U0DANA") for one in panel[: draw(st.integers(0, 20))]],
        proposed_arguments=canonical(edited).decode() if edited is not None else None,
        session_id=draw(st.none() | st.just("s1")),
        arguments=draw(argument_sets), rationale=draw(maybe), consequence=draw(maybe), title=draw(names),
        agent_name=draw(names), agent_id="a" * draw(st.integers(1, 200)),
        on_behalf_of=draw(st.none() | st.just("U0CAROL")), tier=draw(st.sampled_from(Tier)),
        risk=draw(st.none() | st.sampled_from(["high_write", "destructive"])),
        trace_id=draw(st.none() | texts.map(lambda text: text[:255])), code=draw(st.none() | st.just("DENIED_BY_RULE")),
        rule_id=draw(st.none() | st.just("rul_0001")), thread_channel=draw(st.none() | st.just("C0DEPLOYS")),
    )  # fmt: skip

"""What an agent asks: propose, wait, look, withdraw, report, list."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from countersign_client.answers import denial
from countersign_client.asking import Asker
from countersign_client.calls import Call, call, part
from countersign_client.flow import Flow, Sleep
from countersign_client.outcomes import Refused, StillPending
from countersign_client.shapes import ApprovalRequest, Proposal, Step

T = TypeVar("T")

_POLL = 60.0  # seconds the server keeps a question open
_EARLY = 1.0  # a poll that ends sooner without news is spaced out: the server has too many of ours open


def new_key(asker: Asker) -> str:
    """Return a fresh idempotency key."""
    return f"csc_{asker.world.token()}"


def propose(
    asker: Asker, tool: str, arguments: Mapping[str, Any], *, idempotency_key: str | None = None,
    wait: float | None = None, **more: Any,
) -> Flow[Proposal]:  # fmt: skip
    """Propose a call; raises Denied, NeedsInput, or what Asker.ask raises. One key serves every try."""
    key = idempotency_key or new_key(asker)
    body = {"tool": tool, "arguments": dict(arguments), "idempotency_key": key, **more}
    try:
        told = yield from asker.ask(call("POST", "/proposals", body, wait=min(wait, _POLL) if wait else None))
    except Refused as refused:
        raise denial(refused, tool) from None
    return Proposal.from_json(told)


def get(asker: Asker, proposal_id: str, wait: float | None = None) -> Flow[Proposal]:
    """Look at a proposal, after at most `wait` seconds in which nothing ends."""
    told = yield from asker.ask(call("GET", f"/proposals/{part(proposal_id)}", wait=wait))
    return Proposal.from_json(told)


def wait_for(asker: Asker, proposal: Proposal | str, timeout: float | None = None) -> Flow[Proposal]:
    """Wait until there is nothing left to wait for. Raises StillPending after `timeout` seconds, where given."""
    started, early = asker.world.monotonic(), 0
    if isinstance(proposal, Proposal) and not proposal.is_open:
        return proposal
    proposal_id = proposal if isinstance(proposal, str) else proposal.proposal_id
    while True:
        asked = asker.world.monotonic()
        left = _POLL if timeout is None else max(0.0, timeout - (asked - started))
        found = yield from get(asker, proposal_id, min(_POLL, round(left, 3)))
        now = asker.world.monotonic()
        if not found.is_open:
            return found
        if timeout is not None and now - started >= timeout:
            raise StillPending(found)
        early = early + 1 if now - asked < _EARLY else 0
        if early:
            yield Sleep(min(0.25 * 2 ** min(early, 5), 5.0, left))


def withdraw(asker: Asker, proposal_id: str, reason: str | None = None) -> Flow[Proposal]:
    """Take a proposal back. Raises Conflict where it has been decided."""
    told = yield from asker.ask(call("DELETE", f"/proposals/{part(proposal_id)}", {"reason": reason}))
    return Proposal.from_json(told)


def report(
    asker: Asker, proposal_id: str, status: str, *, result: Any = None, error: str | None = None
) -> Flow[Proposal]:
    """Say what became of a call that was yours to run."""
    body = {"status": status, "result": result, "error": error}
    told = yield from asker.ask(call("POST", f"/proposals/{part(proposal_id)}/outcome", body))
    return Proposal.from_json(told)


def events(asker: Asker, proposal_id: str) -> Flow[tuple[Step, ...]]:
    """Return what happened to a proposal, in order."""
    told = yield from asker.ask(call("GET", f"/proposals/{part(proposal_id)}/events"))
    return tuple(map(Step.from_json, told["items"]))


Page = tuple[tuple[ApprovalRequest, ...], str | None]


def approvals(
    asker: Asker, cursor: str | None = None, *, status: str | None = None, request_type: str | None = None,
    limit: int | None = None,
) -> Flow[Page]:  # fmt: skip
    """Return one page of requests, newest first, and where the next one begins."""
    asked = call("GET", "/approvals", status=status, request_type=request_type, limit=limit, cursor=cursor)
    told = yield from asker.ask(asked)
    return tuple(map(ApprovalRequest.from_json, told["items"])), told.get("next_cursor")


def read_as(asker: Asker, asked: Call, kind: Callable[[Any], T]) -> Flow[T]:
    """Make a call and read what it answers."""
    told = yield from asker.ask(asked)
    return kind(told)

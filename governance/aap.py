"""The Agent Approval Protocol's words for what we do: its states, its lengths of time, and how ours map onto them."""

import re
from datetime import timedelta
from enum import StrEnum

from governance.lifecycle import ProposalState

_LENGTH = re.compile(r"([1-9][0-9]*)([smh])", re.ASCII)
_UNIT = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 10 * 366 * 86_400  # seconds; nothing here waits for so long


class AapStatus(StrEnum):
    """Where a request stands; all but `pending` are terminal, and each request gets exactly one of them."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_S, _A = ProposalState, AapStatus
_STATUS = {
    _S.PENDING: _A.PENDING,
    _S.SUGGESTED: _A.PENDING,
    _S.SHADOWED: _A.DENIED,
    _S.DENIED: _A.DENIED,
    _S.REJECTED: _A.DENIED,
    _S.EXPIRED: _A.EXPIRED,
    _S.WITHDRAWN: _A.CANCELLED,
}
#: The states of a proposal over which its request is pending.
WAITING = frozenset(state for state, status in _STATUS.items() if status is _A.PENDING)


def status_of(state: ProposalState, *, edited: bool) -> AapStatus:
    """Return how a request stands whose proposal is in `state`. Whatever was allowed stays approved, also once it has
    run or may run no more; but what people edited is not what was asked, so it is denied.
    """
    return _STATUS.get(state) or (AapStatus.DENIED if edited else AapStatus.APPROVED)


def length_of(text: str) -> timedelta:
    """Read `30s`, `10m`, `24h`; what is longer than ten years counts as ten years. Raises ValueError."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError("send a whole number and s, m or h, such as 30s, 10m or 24h")
    count = int(found[1]) if len(found[1]) < 12 else _LONGEST
    return timedelta(seconds=min(count * _UNIT[found[2]], _LONGEST))


def tool_name(tool: str, server: str | None) -> str:
    """Return the name by which the policy knows a tool: below its server's, so that no two servers' tools are one."""
    return f"{server}.{tool}" if server else tool

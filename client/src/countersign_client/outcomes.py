"""What can come out of a call other than its result.

CountersignError
├── Unsuccessful         the call ended, and not well; carries the proposal
│   ├── Denied             the policy said no
│   │   └── NeedsInput       arguments are missing or wrong; `problems` says which
│   ├── Rejected           a person said no
│   ├── Expired            nobody answered in time
│   ├── Withdrawn          the agent took it back
│   ├── Invalidated        it may not run any more
│   ├── Failed             it ran and failed
│   ├── Unknown            it may have run; nobody knows
│   ├── NotExecuted        the agent's tier lets nothing run: a suggestion, or a dry run
│   └── Edited             approved with other arguments, which this function cannot be given
├── StillPending         the patience ended first; the proposal goes on waiting
├── Refused              the server did not take the request itself
│   ├── Unauthorized       no valid key or signature (401)
│   ├── Forbidden          this key may not do that (403)
│   ├── NotFound           no such thing, or somebody else's (404)
│   ├── Conflict           something else came first (409)
│   └── RateLimited        too many calls for longer than the patience (429)
└── Unreachable          no answer from a Countersign server
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from countersign_client.shapes import Proposal

_SHOWN = 500  # characters of a person's text in a message


class UntrustedText(str):
    """What a person typed: data to show, never instructions to follow."""

    __slots__ = ()

    @property
    def quoted(self) -> str:
        """The text in quotation marks, on one line and cut, fit for a log or a model."""
        text = self if len(self) <= _SHOWN else self[: _SHOWN - 1] + "…"
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text.replace('"', "'")) + '"'


class CountersignError(Exception):
    """Something other than a result."""


class Unsuccessful(CountersignError):
    """The call did not succeed. `proposal` says what is known; `reason` is a person's text where a person said no."""

    word = "did not succeed"

    def __init__(self, proposal: "Proposal", why: str = "") -> None:
        self.proposal = proposal
        super().__init__(f"{proposal.tool} {self.word}{_by(proposal)}{f': {why}' if why else ''}")

    @property
    def by(self) -> str | None:
        """Who decided, where a person did."""
        decision = self.proposal.decision
        return decision.by if decision else None

    @property
    def reason(self) -> UntrustedText | None:
        """What that person gave as a reason."""
        decision = self.proposal.decision
        return decision.reason if decision else None


def _by(proposal: "Proposal") -> str:
    decision = proposal.decision
    return f" by {decision.by}" if decision and decision.by and decision.verdict == "rejected" else ""


class Denied(Unsuccessful):
    """The policy does not let this agent make this call; nobody was asked."""

    word = "was denied"

    def __init__(self, proposal: "Proposal", why: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(proposal, why)
        self.code, self.details = proposal.code, dict(details or {})


class NeedsInput(Denied):
    """Arguments are missing or wrong. `problems` lists `{"field", "message", …}`, one for each."""

    word = "needs other arguments"

    @property
    def problems(self) -> tuple[Mapping[str, Any], ...]:
        """What is wrong, field by field."""
        return tuple(self.details.get("problems") or ())


class Rejected(Unsuccessful):
    """A person rejected the call."""

    word = "was rejected"


class Expired(Unsuccessful):
    """Nobody answered in time."""

    word = "expired before anybody decided"


class Withdrawn(Unsuccessful):
    """The agent took the call back."""

    word = "was withdrawn"


class Invalidated(Unsuccessful):
    """The call was allowed and may not run any more."""

    word = "may not run any more"


class Failed(Unsuccessful):
    """The call ran and failed."""

    word = "failed"


class Unknown(Unsuccessful):
    """The call may or may not have happened; look before you repeat it."""

    word = "may or may not have happened"


class NotExecuted(Unsuccessful):
    """At this agent's tier the call is only suggested to people, or only judged: nothing runs."""

    word = "was not run"


class Edited(Unsuccessful):
    """A person approved the call with other arguments, and these cannot be handed to the function."""

    word = "was approved with other arguments"


class StillPending(CountersignError, TimeoutError):
    """Nobody has decided, or the call has not ended, within the time given. Wait again, or withdraw it."""

    def __init__(self, proposal: "Proposal") -> None:
        self.proposal = proposal
        super().__init__(f"{proposal.tool} is still {proposal.state}: {proposal.proposal_id}")


class Refused(CountersignError):
    """The server did not take the request. `code` is for programs, `details` has the particulars."""

    def __init__(self, status: int, code: str, sentence: str, details: Mapping[str, Any] | None = None) -> None:
        self.status, self.code, self.sentence, self.details = status, code, sentence, dict(details or {})
        super().__init__(f"{sentence} ({code})")


class Unauthorized(Refused):
    """The key or the signature is not valid."""


class Forbidden(Refused):
    """This key may not do that."""


class NotFound(Refused):
    """There is no such thing, or it belongs to somebody else; also a tool the policy does not know."""


class Conflict(Refused):
    """Something else came first; `winner` says who decided, where somebody did."""

    @property
    def winner(self) -> Mapping[str, Any] | None:
        """`{by, verdict, at, reason}` of the decision that stands."""
        found = self.details.get("winner")
        return found if isinstance(found, Mapping) else None


class RateLimited(Refused):
    """Too many calls. `retry_after` is in seconds."""

    retry_after: float = 1.0


class Unreachable(CountersignError):
    """No Countersign server answered."""


class Uncertain(Exception):
    """Raise this in a guarded function that cannot say whether it had its effect; it is reported as unknown."""

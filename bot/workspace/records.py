"""What the workspace remembers about the app's behaviour, for the page and for tests to assert on."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.workspace.model import Json, Message, View


@dataclass(frozen=True)
class ApiCall:
    """One Web API call: when (seconds), its arguments without the token, and what was answered."""

    at: float
    method: str
    args: Json
    status: int
    answer: Json
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """True when Slack would have said so."""
        return bool(self.answer.get("ok"))


@dataclass(frozen=True)
class Ack:
    """How long the app took to acknowledge one interaction, in seconds from click to answer."""

    kind: str
    user: str
    what: str
    seconds: float
    status: int


@dataclass(frozen=True)
class Unanswered:
    """An interaction the app did not acknowledge in time or refused; `why` is what the person was told."""

    kind: str
    user: str
    what: str
    why: str


@dataclass(frozen=True)
class Attempt:
    """One delivery attempt of an event: its retry number (0 first), the HTTP status, and why it failed."""

    event_id: str
    retry: int
    status: int
    reason: str | None


@dataclass(frozen=True)
class Notice:
    """A toast on one person's screen, such as the one for an app that did not respond in time."""

    id: int
    user: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What came of one interaction, as the person saw it.

    `status` is the HTTP status (200 for a Socket Mode ack, 0 when nothing was sent or nothing came back),
    `body` the raw answer, `ephemeral` the private messages that appeared meanwhile, `view` the modal (or,
    for `open_home`, the Home tab) now in front of the person.
    """

    status: int
    body: str
    seconds: float
    ephemeral: list[Message] = field(default_factory=list)
    view: View | None = None
    timed_out: bool = False

"""What became of everything people did: how fast it was acknowledged, and what they got to see for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FOLLOW_SECONDS = 600.0
"""How long after an interaction something visible still counts as its answer."""
EXPECTING = ("block_actions", "view_submission", "command")
"""The kinds of interaction after which people expect to see something."""
LOOK_BACK = 500
"""How many interactions are still waiting for answers at a time."""


@dataclass(frozen=True)
class Shown:
    """Something people got to see, and where. `kind` says what:

    `updated`, `deleted` (the pressed message), `reply` (in its thread), `ephemeral`, `dm`, `response_url`, `command`
    (a command's direct answer), `posted` (into the channel of a command), `modal`, `closed`, `errors`, `home`.
    """

    kind: str
    user: str | None = None
    channel: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    view_id: str | None = None
    trigger_id: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class Seen:
    """One answer: its kind, the workspace's time, and the real seconds since the interaction."""

    kind: str
    at: float
    seconds: float


@dataclass(eq=False)
class Click:
    """One interaction: `kind` is block_actions, view_submission, view_closed or command.

    `ack_seconds` is None when nobody acknowledged it (`failure` says why: Slack's retry reasons).
    `channel`, `ts`, `thread_ts` name the message it belongs to, also for a modal opened from that message.
    """

    kind: str
    user: str
    what: str
    at: float
    channel: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    view_id: str | None = None
    trigger_id: str | None = None
    token: str | None = None
    status: int = 0
    ack_seconds: float | None = None
    failure: str | None = None
    answers: list[Seen] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def answered(self) -> bool:
        """True when something visible followed."""
        return bool(self.answers)

    @property
    def first_seen(self) -> float | None:
        """Real seconds until the first visible answer, None when there was none."""
        return self.answers[0].seconds if self.answers else None

    def matches(self, shown: Shown) -> bool:
        """Whether `shown` is an answer to this."""
        if shown.trigger_id:
            return shown.trigger_id == self.trigger_id
        if shown.token:
            return shown.token == self.token
        if shown.view_id:
            return shown.view_id == self.view_id
        if shown.user:
            return shown.user == self.user
        if shown.channel != self.channel:
            return False
        if self.kind == "command":
            return True
        return self.ts is not None and (shown.ts == self.ts or shown.thread_ts in (self.ts, self.thread_ts or self.ts))


class Clicks(list[Click]):
    """All interactions, oldest first."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._origins: dict[str, Click] = {}

    def begin(self, click: Click) -> Click:
        """Note an interaction before it is sent; what happens in a modal belongs to the message it came from."""
        origin = self._origins.get(click.view_id or "")
        if origin:
            click.channel, click.ts, click.thread_ts = origin.channel, origin.ts, origin.thread_ts
        self.append(click)
        return click

    def opened(self, view_id: str, trigger_id: str) -> None:
        """A modal came up by this trigger."""
        origin = next((one for one in reversed(self[-LOOK_BACK:]) if one.trigger_id == trigger_id), None)
        if origin:
            self._origins[view_id] = origin
        self.showed(Shown("modal", trigger_id=trigger_id))

    def showed(self, shown: Shown) -> None:
        """Something became visible: it answers every recent interaction it belongs to."""
        real = time.monotonic()
        for click in reversed(self[-LOOK_BACK:]):
            seconds = real - click.started
            if seconds > FOLLOW_SECONDS:
                return
            if click.matches(shown):
                click.answers.append(Seen(shown.kind, self._now(), seconds))

    def unacknowledged(self) -> list[Click]:
        """What nobody acknowledged in time."""
        return [click for click in self if click.ack_seconds is None and click.failure]

    def unanswered(self, kinds: tuple[str, ...] = EXPECTING, older_than: float = 0.0) -> list[Click]:
        """What nothing visible followed, of these kinds: the figure a soak test wants to be zero.

        `older_than` leaves out what happened within that many real seconds and may still be answered.
        """
        until = time.monotonic() - older_than
        return [click for click in self if click.kind in kinds and not click.answers and click.started <= until]

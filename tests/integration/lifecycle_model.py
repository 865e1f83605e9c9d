"""What the two lifecycles ought to do, said once more and more simply: what the state machine compares with.

Nothing here looks at the program's rules; statuses are their plain words. `now` is read from the clock of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TTL, START_WINDOW, LEASE = timedelta(hours=48), timedelta(minutes=15), timedelta(seconds=10)
KEY_LIFE, SESSION_LIFE, RISKY_LIFE = timedelta(days=30), timedelta(hours=12), timedelta(days=30)
MOST_OPEN = 6
ATTEMPTS = 3
OPEN = ("pending", "deferred")
MAY_ASK = ("U0ALICE", "U0CAROL")


@dataclass(frozen=True)
class Kind:
    """A tool as the model sees it."""

    name: str
    tier: str
    panel: tuple[str, ...] = ("U0BOB", "U0CAROL")
    quorum: int = 1
    idempotent: bool = True
    risky: bool = True
    blocked: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("deploy.production", "ask"),
        Kind("deploy.two", "ask", ("U0BOB", "U0CAROL", "U0ALICE"), quorum=2),
        Kind("deploy.once", "ask", idempotent=False),
        Kind("deploy.pair", "ask", ("S0ONCALL",), quorum=2),
        Kind("note.auto", "run", risky=False),
        Kind("note.l2", "run", risky=False),
        Kind("dry.run", "shadow", risky=False),
        Kind("hint.it", "suggest", ("U0BOB",), risky=False),
        Kind("drop.database", "ask", blocked=True),
    )
}


@dataclass
class Question:
    """A request."""

    created: datetime
    status: str = "pending"
    warned: int = 0
    reopen: datetime | None = None
    answers: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, str] = field(default_factory=dict)

    @property
    def expires(self) -> datetime:
        return self.created + TTL

    def warning_due(self, now: datetime) -> bool:
        return self.warned < 2 and now >= self.created + TTL * (0.5, 0.9)[self.warned]


@dataclass
class Run:
    """An execution."""

    allowed: datetime
    start_by: datetime
    tier: str
    status: str = "queued"
    attempt: int = 0
    due: datetime = field(init=False)
    lease: datetime | None = None
    maybe_ran: bool = False

    def __post_init__(self) -> None:
        self.due = self.allowed


@dataclass(frozen=True)
class Asked:
    """What an agent submits. A service of None leaves the argument out."""

    tool: str
    service: str | None
    key: str | None = None
    session: str | None = None
    behalf: str | None = None


@dataclass
class Call:
    """A proposal."""

    asked: Asked
    id: str
    at: datetime
    state: str
    version: int
    rule: "Lasting | None" = None
    question: Question | None = None
    run: Run | None = None

    @property
    def is_open(self) -> bool:
        return self.state in ("pending", "suggested", "allowed")


@dataclass
class Lasting:
    """A remembered rule."""

    id: str
    allows: bool
    tool: str
    service: str | None
    session: str | None
    authors: frozenset[str]
    version: int
    expires: datetime | None
    max_uses: int | None
    uses: int = 0
    ended: bool = False

    def stands(self, now: datetime) -> bool:
        return not self.ended and (self.expires is None or now < self.expires)


@dataclass
class Model:
    """Everything that was done so far, and what each next thing should bring."""

    clock: Callable[[], datetime]
    calls: list[Call] = field(default_factory=list)
    rules: list[Lasting] = field(default_factory=list)
    members: set[str] = field(default_factory=lambda: {"U0BOB", "U0DAVE"})
    paused: bool = False
    tightened: set[str] = field(default_factory=set)  #: of "scope", "block", "tier", "version"

    def call(self, id: str) -> Call:
        return next(one for one in self.calls if one.id == id)

    def asking(self) -> list[Call]:
        """The calls that people were asked about."""
        return [one for one in self.calls if one.question]

    def waiting(self) -> list[Call]:
        return [one for one in self.calls if one.question and one.question.status in OPEN]

    def at_stake(self) -> list[Call]:
        """The calls that have been allowed and may still start."""
        return [one for one in self.calls if one.run and one.run.status == "queued"]

    def standing_allows(self) -> list[Lasting]:
        return [one for one in self.rules if one.allows and one.stands(self.clock())]

    def asked_of_the_group(self) -> list[Call]:
        return [one for one in self.live() if is_group(KINDS[one.asked.tool])]

    def live(self) -> list[Call]:
        """The calls that can still be decided."""
        return [one for one in self.waiting() if one.question and self.clock() < one.question.expires]

    # what has happened

    def proposed(self, asked: Asked, id: str, word: str, rule: Lasting | None) -> None:
        call = Call(asked, id, self.clock(), word, self.version_of(asked.tool), rule)
        self.calls.append(call)
        if rule is not None:
            rule.uses += 1
        if word in ("pending", "suggested"):
            call.question = Question(self.clock())
        if word == "allowed":
            call.run = Run(self.clock(), self.clock() + START_WINDOW, self.tier_of(asked.tool))

    def answered(self, call: Call, person: str, verdict: str, until: datetime | None, wish: str, status: str) -> None:
        question = call.question
        assert question is not None
        question.answers[person], question.wishes[person] = verdict, wish
        if status in OPEN:
            question.status, question.reopen = status, until
        else:
            self.decided(call, status)

    def decided(self, call: Call, status: str) -> None:
        question = call.question
        assert question is not None
        question.status, question.reopen, call.state = status, None, status
        if status == "approved":
            call.state = "allowed"
            start_by = max(self.clock() + START_WINDOW, question.expires)
            call.run = Run(self.clock(), start_by, "ask")

    def remembered(self, call: Call, allows: bool, lasts: str, id: str, max_uses: int | None) -> None:
        """A rule was made; the one that stood for the same arguments and scope has ended."""
        asked, question = call.asked, call.question
        assert question is not None
        kind, session = KINDS[asked.tool], asked.session if lasts == "session" else None
        limit = SESSION_LIFE if session else RISKY_LIFE if kind.risky else None
        wanted = "approve" if allows else "reject"
        authors = frozenset(
            who for who, said in question.answers.items() if said == wanted and self.may_answer(call, who)
        )
        for one in self.rules:
            if (one.tool, one.service, one.session) == (asked.tool, asked.service, session):
                one.ended = True
        expires = self.clock() + limit if limit else None
        self.rules.append(
            Lasting(id, allows, asked.tool, asked.service, session, authors, call.version, expires, max_uses)
        )

    def tick(self) -> None:
        """Time does one thing to every request that is due."""
        now = self.clock()
        for call in self.waiting():
            question = call.question
            assert question is not None
            if now >= question.expires:
                self.decided(call, "expired")
            elif question.reopen is not None and now >= question.reopen:
                question.status, question.reopen = "pending", None
            elif question.warning_due(now):
                question.warned = sum(now >= question.created + TTL * share for share in (0.5, 0.9))

    def claimed(self, call: Call) -> None:
        run = call.run
        assert run is not None
        if self.starts(call):
            run.status, run.attempt, run.lease = "running", run.attempt + 1, self.clock() + LEASE
        else:
            run.status = call.state = "unknown" if run.maybe_ran else "invalidated"

    def settled(self, call: Call, answer: str, wait: timedelta | None) -> None:
        run, status = call.run, self.after(call, answer)
        assert run is not None
        run.status, run.lease = status, None
        run.maybe_ran = run.maybe_ran or answer in ("no_answer", "busy")
        again = wait if wait is not None else timedelta(seconds=2 ** (run.attempt - 1))
        run.due = self.clock() + (again if status == "queued" else timedelta())
        call.state = "allowed" if status == "queued" else status

    def lost(self) -> list[Call]:
        """The running calls whose worker is thought dead."""
        return [one for one in self.calls if one.run and one.run.lease is not None and one.run.lease < self.clock()]

    # what an agent is told

    def version_of(self, tool: str) -> int:
        return int("version" in self.tightened and tool == "deploy.two")

    def tier_of(self, tool: str) -> str:
        return "ask" if tool == "note.auto" and "tier" in self.tightened else KINDS[tool].tier

    def repeated(self, asked: Asked) -> Call | None:
        """The call that this one repeats."""
        if asked.key is not None:
            held = self.holder(asked.key)
            return held if held and same_call(held.asked, asked) else None
        found = (one for one in self.calls if one.is_open and same_call(one.asked, asked))
        return next((one for one in found if one.asked.session == asked.session), None)

    def holder(self, key: str) -> Call | None:
        """The call that holds a key at present."""
        taken = [one for one in self.calls if one.asked.key == key and one.state != "denied"]
        return taken[-1] if taken and taken[-1].at >= self.clock() - KEY_LIFE else None

    def judged(self, asked: Asked) -> tuple[str, Lasting | None]:
        """The word for a new call (unsupported, denied, shadowed, suggested, pending, allowed, too many), its rule."""
        kind = KINDS.get(asked.tool)
        if kind is None:
            return "unsupported", None
        if asked.service is None or self.forbidden(asked) or asked.behalf not in (None, *MAY_ASK):
            return "denied", None
        tier = self.tier_of(asked.tool)
        if tier in ("run", "shadow"):
            return {"run": "allowed", "shadow": "shadowed"}[tier], None
        rule = self.allowing(asked) if tier == "ask" else None
        if rule is not None:
            return "allowed", rule
        waiting = sum(one.state in ("pending", "suggested") for one in self.calls)
        return ("too many" if waiting >= MOST_OPEN else "suggested" if tier == "suggest" else "pending"), None

    def forbidden(self, asked: Asked) -> bool:
        """Whether the call may not run at all at present, asked or not."""
        kind = KINDS[asked.tool]
        blocked = kind.blocked or ("block" in self.tightened and asked.tool == "deploy.production")
        unscoped = "scope" in self.tightened and kind.risky
        return blocked or unscoped or self.paused or any(not one.allows for one in self.matching(asked))

    def matching(self, asked: Asked) -> list[Lasting]:
        """The rules that mean this call, newest first."""
        return [
            one
            for one in reversed(self.rules)
            if one.stands(self.clock()) and (one.tool, one.service) == (asked.tool, asked.service)
            and one.session in (None, asked.session) and (one.max_uses is None or one.uses < one.max_uses)
        ]  # fmt: skip

    def allowing(self, asked: Asked) -> Lasting | None:
        kind = KINDS[asked.tool]
        for one in self.matching(asked):
            able = {who for who in one.authors if who != asked.behalf and (is_group(kind) or who in kind.panel)}
            if one.allows and one.version == self.version_of(asked.tool) and len(able) >= kind.quorum:
                return one
        return None

    # what people are told

    def may_answer(self, call: Call, person: str) -> bool:
        kind = KINDS[call.asked.tool]
        return person != call.asked.behalf and (person in self.members if is_group(kind) else person in kind.panel)

    def reply(self, call: Call, person: str, verdict: str, until: datetime | None, wish: str) -> str:
        """What an answer brings: a refusal's code, "repeated", or the status the request then has."""
        question = call.question
        assert question is not None
        if not self.may_answer(call, person):
            return "SELF_REVIEW" if person == call.asked.behalf else "NOT_A_REVIEWER"
        fresh = question.status == "deferred" or (verdict == "defer" and question.status in OPEN)
        if not fresh and question.answers.get(person) == verdict:
            return "repeated"
        if question.status == "expired" or (question.status in OPEN and self.clock() >= question.expires):
            return "APPROVAL_EXPIRED"
        if question.status not in OPEN:
            return "ALREADY_DECIDED"
        if verdict == "defer" and not (until and self.clock() < until < question.expires):
            return "UNPROCESSABLE"
        if wish == "session" and call.asked.session is None:
            return "UNPROCESSABLE"
        return self._status_after(call, person, verdict)

    def _status_after(self, call: Call, person: str, verdict: str) -> str:
        if verdict != "approve":
            return {"reject": "rejected", "defer": "deferred"}[verdict]
        return "approved" if len(self.counted(call, person)) >= KINDS[call.asked.tool].quorum else "pending"

    def counted(self, call: Call, person: str) -> set[str]:
        """Whose approvals count once this person has approved."""
        assert call.question is not None
        said = {who for who, verdict in call.question.answers.items() if verdict == "approve"} | {person}
        return {who for who in said if self.may_answer(call, who)}

    def remembered_for(self, call: Call, person: str, wish: str, status: str) -> str | None:
        """For how long a settling answer is remembered, if at all."""
        assert call.question is not None
        earlier = self.counted(call, person) - {person} if status == "approved" else set()
        wishes = {call.question.wishes[who] for who in earlier} | {wish}
        return None if "once" in wishes else "session" if "session" in wishes else "forever"

    def contradicts(self, call: Call) -> bool:
        """Whether people rejected the very same call within 30 days."""
        since = self.clock() - timedelta(days=30)
        rejected = (one for one in self.calls if one.question and one.question.status == "rejected" and one.at >= since)
        return any(same_arguments(one.asked, call.asked) for one in rejected)

    # what an executor finds

    def due(self) -> list[Call]:
        """The calls of which one is claimed next: what people were asked about goes first, then what is due longest."""
        queued = [one for one in self.calls if one.run and one.run.status == "queued" and one.run.due <= self.clock()]
        places = {one.id: (one.question is None, one.run.due) for one in queued if one.run}
        return [one for one in queued if places[one.id] == min(places.values())]

    def starts(self, call: Call) -> bool:
        """Whether a queued call may still be sent."""
        run = call.run
        assert run is not None
        late = run.attempt == 0 and self.clock() > run.start_by
        ended = run.attempt == 0 and call.rule is not None and not call.rule.stands(self.clock())
        changed = call.version != self.version_of(call.asked.tool)
        tighter = run.tier == "run" and self.tier_of(call.asked.tool) == "ask"
        return not (late or ended or changed or tighter or self.forbidden(call.asked))

    def after(self, call: Call, answer: str) -> str:
        """The status a running call has after one answer."""
        run, kind = call.run, KINDS[call.asked.tool]
        assert run is not None
        if answer in ("succeeded", "failed"):
            return answer
        if run.attempt < ATTEMPTS and (answer == "not_sent" or kind.idempotent):
            return "queued"
        return "failed" if answer == "not_sent" and not run.maybe_ran else "unknown"


def is_group(kind: Kind) -> bool:
    return kind.panel[0].startswith("S")


def same_arguments(one: Asked, other: Asked) -> bool:
    return (one.tool, one.service) == (other.tool, other.service)


def same_call(one: Asked, other: Asked) -> bool:
    return same_arguments(one, other) and one.behalf == other.behalf

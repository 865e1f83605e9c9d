"""Who may create, change, delete and start automations: one order of checks, one code for each answer.

People may create as they like; agents stay within limits that only people move. Every refusal names its way out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from governance.automations import BLOCKING_REVIEWS, Actor, ActorKind, AutomationStatus, ReviewKind, Right
from governance.errors import Conflict, Forbidden, Refusal, TooMany, Unprocessable
from governance.expiry import spoken
from governance.policy import Limits
from governance.questions import DEPTH_OVERRIDE
from governance.roles import Role

PREFIX = "AUTOMATION_V2_"

#: Runs of one automation that have not ended; whatever stops it moves them all in one transaction.
MOST_OPEN_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, known by their key or their click. `role` is what a person may do besides; agents have none."""

    actor: Actor
    role: Role | None = None

    @property
    def is_human(self) -> bool:
        """Whether a person acts."""
        return self.actor.kind is ActorKind.HUMAN

    def covers(self, role: Role) -> bool:
        """Whether a person with this role, or more, acts."""
        return self.is_human and self.role is not None and self.role.covers(role)


@dataclass(frozen=True, slots=True)
class Maker:
    """What stands for or against an agent that wants to create, as of one transaction."""

    is_paused: bool = False
    is_spend_stopped: bool = False
    owes_review: bool = False
    rights: frozenset[str] = frozenset()  #: the capabilities it holds now
    depth: int = 1  #: how far below a person its creations stand
    created_today: int = 0  #: in the last 24 hours, what was deleted since included
    active: int = 0  #: what agents of the tenant have going now


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about changing or starting one automation, as of one transaction."""

    creator: Actor
    owner: str
    status: AutomationStatus = AutomationStatus.ACTIVE
    is_retired: bool = False
    is_expired: bool = False  #: whether its end has passed, also where nobody has attended to that yet
    is_lifecycle_paused: bool = False
    is_creation_paused: bool = False
    review: ReviewKind | None = None  #: the review that is owed, None where none is
    has_grant: bool = False  #: whether the acting agent holds a live modify grant
    works_on_it: bool = False  #: whether the acting agent is listed among its agents
    stopped: tuple[str, ...] = ()  #: its agents that a spend cap or a person stopped
    paused_agents: tuple[str, ...] = ()
    is_paused_by_person: bool = False


def check_creation(caller: Caller, limits: Limits, wanted: Collection[Right], maker: Maker) -> None:
    """Raise what stands against creating an automation with these capabilities. People are never refused."""
    if caller.is_human:
        return
    if not limits.creation_enabled:
        raise _no("CREATION_DISABLED", "Agents may not create automations at present; an admin can allow it again")
    agent = _agent_id(caller.actor)
    if maker.is_paused:
        raise _no("AGENT_CREATION_PAUSED", f"Agent {agent} is paused; who paused it, or an operator, can resume it")
    _check_spend((agent,) if maker.is_spend_stopped else ())
    if maker.owes_review:
        raise _wait("AGENT_REVIEW_REQUIRED", f"Agent {agent} waits until people have reviewed what it created")
    check_escalation(caller, wanted, (), maker.rights)
    if maker.depth > limits.lineage_depth_limit and DEPTH_OVERRIDE not in maker.rights:
        raise _no("LINEAGE_DEPTH_EXCEEDED",
                  f"Agent {agent} stands {maker.depth} levels below people, {limits.lineage_depth_limit} are allowed; "
                  f"ask for a {DEPTH_OVERRIDE}")  # fmt: skip
    _check_quotas(agent, limits, maker)


def _check_quotas(agent: str, limits: Limits, maker: Maker) -> None:
    if maker.created_today >= limits.per_agent_daily_creation_limit:
        raise _wait("AGENT_DAILY_QUOTA_EXCEEDED",
                    f"Agent {agent} created {maker.created_today} automations within 24 hours, the limit is "
                    f"{limits.per_agent_daily_creation_limit}; come back later")  # fmt: skip
    check_cap(limits, maker.active)


def check_cap(limits: Limits, active: int) -> None:
    """Raise TooMany where agents have as many automations as they may: what is retired, expired or deleted is out."""
    if active >= limits.active_agent_automation_cap:
        raise _wait("AGENT_CAP_EXCEEDED",
                    f"Agents have {active} automations going, the limit is {limits.active_agent_automation_cap}; "
                    "delete or retire one first")  # fmt: skip


def check_escalation(
    caller: Caller, wanted: Collection[Right], recorded: Collection[Right], rights: Collection[str]
) -> None:
    """Raise Forbidden for the first capability that is new and that nobody granted; to keep one needs no grant."""
    if caller.is_human:
        return
    agent = _agent_id(caller.actor)
    for right in Right:
        if right in wanted and right not in recorded and right not in rights:
            raise Forbidden(
                f"Agent {agent} does not hold the capability {right}; file a capability_request for it.",
                code=f"{PREFIX}CAPABILITY_ESCALATION_FORBIDDEN", details={"capability": right},
            )  # fmt: skip


def check_change(caller: Caller, facts: Facts, *, destructive: bool = False) -> None:
    """Raise Forbidden where the caller may not change, or delete, an automation."""
    if caller.is_human:
        if caller.actor.id != facts.owner and not caller.covers(Role.OPERATOR):
            raise _no("NOT_OWNER", "Only its owner, operators and admins may do this to an automation")
        return
    agent = _agent_id(caller.actor)
    _check_lifecycle(facts, Forbidden)
    made_it = facts.creator == caller.actor
    if destructive and facts.creator.kind is not ActorKind.AGENT:
        raise _no("DELETE_HUMAN_CREATED_DENIED", "A person created this automation, so only people may delete it")
    if destructive and not made_it:
        raise _no("DELETE_NOT_OWNER", f"Agent {agent} did not create this automation, so it may not delete it")
    if not (made_it or facts.has_grant):
        raise _no("MODIFY_FORBIDDEN", f"Agent {agent} neither created this automation nor holds a modify grant for it")


def check_lasting(caller: Caller, limits: Limits, lasts: timedelta | None) -> None:
    """Raise Unprocessable where an agent wants its automation to last longer than agents' automations do."""
    most = limits.default_expires_after
    if lasts is not None and most and lasts > most and not caller.is_human:
        raise Unprocessable(f"expires_at: what an agent creates lasts {spoken(most)} at most; its owner can extend it.")


def check_joining(caller: Caller, facts: Facts, agents: Collection[str]) -> None:
    """Raise Forbidden where an agent adds itself to what another made: its grant would outlast its time that way."""
    if not caller.is_human and facts.creator != caller.actor and not facts.works_on_it and caller.actor.id in agents:
        who = f"Agent {caller.actor.id} did not create this automation"
        raise _no("MODIFY_FORBIDDEN", f"{who}, so only people may add it there")


def check_start(facts: Facts) -> None:
    """Raise what stands against a run, whoever wants it. Reviews that block are those a person has to give first."""
    _check_lifecycle(facts, Conflict)
    if facts.is_expired:
        raise _stands("EXPIRED", "This automation has expired; its owner or an admin can extend it")
    if facts.review in BLOCKING_REVIEWS or facts.is_creation_paused:
        why = facts.review or "critical findings"
        raise _stands("REVIEW_REQUIRED", f"Nothing of this automation starts until people have reviewed it ({why})")
    if facts.status is not AutomationStatus.ACTIVE:
        raise _stands("NOT_ACTIVE", f"This automation is {facts.status}; resume it first")
    if facts.paused_agents:
        raise _stands("AGENT_PAUSED", f"Agent {facts.paused_agents[0]} is paused; an operator can resume it")
    _check_spend(facts.stopped)


def check_room(open_runs: int) -> None:
    """Raise TooMany where an automation has more runs that have not ended than anybody could look through."""
    if open_runs >= MOST_OPEN_RUNS:
        raise _wait("TOO_MANY_RUNS", f"{open_runs} runs of this automation have not ended; end or cancel some first")


def check_resume(caller: Caller, facts: Facts) -> None:
    """Raise Conflict where resuming takes another answer first: extending what ended, reviewing what is owed one; and
    Forbidden where an agent would undo what a person did."""
    if facts.is_paused_by_person and not caller.is_human:
        raise _no("PAUSED_BY_PERSON", "A person paused this automation, so its owner or an operator resumes it")
    if facts.is_retired:
        raise _stands("RETIRED", "This automation is retired; extend it to let it go on")
    if facts.is_expired:
        raise _stands("EXPIRED", "This automation has expired; extend it to let it go on")
    if facts.review in BLOCKING_REVIEWS or facts.is_creation_paused:
        raise _stands("REVIEW_REQUIRED", "People owe this automation a review; answer it, then resume")


def check_works_on(caller: Caller, facts: Facts) -> None:
    """Raise Forbidden unless the caller may report on a run: who may change the automation, and agents listed in it.

    Lifecycle does not count here: that a run has ended is true whatever became of its automation.
    """
    if caller.is_human:
        check_change(caller, facts)
    elif not (facts.creator == caller.actor or facts.has_grant or facts.works_on_it):
        raise _no("MODIFY_FORBIDDEN", f"Agent {caller.actor.id} does not work on this automation")


def _check_lifecycle(facts: Facts, kind: type[Refusal]) -> None:
    if facts.is_retired:
        raise kind("This automation is retired; its owner or an admin can extend it.", code=f"{PREFIX}RETIRED")
    if facts.is_expired and facts.is_lifecycle_paused:
        raise kind("This automation has expired; its owner or an admin can extend it.", code=f"{PREFIX}EXPIRED")
    if facts.is_lifecycle_paused:
        raise kind(
            "This automation is paused until people have reviewed it and somebody resumes it.",
            code=f"{PREFIX}LIFECYCLE_PAUSED",
        )


def _check_spend(stopped: tuple[str, ...]) -> None:
    if stopped:
        raise _wait("AGENT_SPEND_CAP_EXCEEDED",
                    f"Agent {stopped[0]} reached its weekly spend cap; it goes on next week, with a higher cap, or "
                    "when its quota_override is approved")  # fmt: skip


def _agent_id(actor: Actor) -> str:
    if actor.kind is not ActorKind.AGENT or not (actor.id or "").strip():
        raise _no("AGENT_ID_REQUIRED", "Call with the key of an agent")
    assert actor.id is not None
    return actor.id


def _no(code: str, sentence: str) -> Forbidden:
    return Forbidden(f"{sentence}.", code=PREFIX + code)


def _stands(code: str, sentence: str) -> Conflict:
    return Conflict(f"{sentence}.", code=PREFIX + code)


def _wait(code: str, sentence: str) -> TooMany:
    return TooMany(f"{sentence}.", code=PREFIX + code)

"""Autonomy tiers, risks and approval modes: the closed vocabularies of a verdict."""

from enum import StrEnum


class Tier(StrEnum):
    """How much an agent may do by itself, most restrictive first."""

    SHADOW = "shadow"  #: recorded; nothing runs and nobody is asked
    SUGGEST = "suggest"  #: a non-blocking request is opened; approving it runs the call
    ACT_WITH_APPROVAL = "act_with_approval"  #: waits for people (L3)
    ACT_AND_NOTIFY = "act_and_notify"  #: runs, and tells the agent's creator (L2)
    ACT_AUTO = "act_auto"  #: runs (L1)

    @property
    def asks(self) -> bool:
        """Whether a person is asked at this tier."""
        return self in (Tier.SUGGEST, Tier.ACT_WITH_APPROVAL)

    @property
    def runs_unasked(self) -> bool:
        """Whether a call at this tier runs without a person."""
        return self in (Tier.ACT_AND_NOTIFY, Tier.ACT_AUTO)


TIER_ALIASES = {"L1": Tier.ACT_AUTO, "L2": Tier.ACT_AND_NOTIFY, "L3": Tier.ACT_WITH_APPROVAL}

_RESTRICTIVENESS = {tier: rank for rank, tier in enumerate(Tier)}


def strictest(*tiers: Tier) -> Tier:
    """Return the most restrictive of the tiers given."""
    return min(tiers, key=_RESTRICTIVENESS.__getitem__)


def is_stricter(tier: Tier, than: Tier) -> bool:
    """Whether `tier` leaves an agent less room than `than`."""
    return _RESTRICTIVENESS[tier] < _RESTRICTIVENESS[than]


class Risk(StrEnum):
    """What a tool can do to the world."""

    READ_ONLY = "read_only"
    LOW_WRITE = "low_write"
    HIGH_WRITE = "high_write"
    DESTRUCTIVE = "destructive"


class ApprovalMode(StrEnum):
    """Whether people must be asked before a tool runs."""

    AUTO = "auto"
    REQUIRES_APPROVAL = "requires_approval"
    ALWAYS_BLOCK = "always_block"


_DERIVED = {
    Risk.READ_ONLY: ApprovalMode.AUTO,
    Risk.LOW_WRITE: ApprovalMode.REQUIRES_APPROVAL,
    Risk.HIGH_WRITE: ApprovalMode.REQUIRES_APPROVAL,
}


def derived_mode(risk: Risk | None) -> ApprovalMode:
    """Return the default approval mode of a risk; a missing or destructive one blocks (fail closed)."""
    return _DERIVED.get(risk, ApprovalMode.ALWAYS_BLOCK) if risk else ApprovalMode.ALWAYS_BLOCK

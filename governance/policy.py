"""The policy as configured: agents, tools, people and tiers. Built by bot/policy from countersign.toml."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from governance.canonical import Json
from governance.tiers import ApprovalMode, Risk, Tier, derived_mode

DEFAULT_TTL = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one argument. `field` is a JSON Pointer, empty for the whole."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Connector:
    """How a kind of tool is really run."""

    kind: str
    url: str
    secret_env: str | None = None
    idempotent: bool = False
    timeout: timedelta = timedelta(seconds=30)
    attempts: int = 3
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A kind of action under governance, compiled: its schema and its consequence line are callables."""

    name: str
    title: str
    action_class: str
    capability: str
    connector: Connector
    version: str  #: hash of schema, connector, risk, class, capability, scopes and consequence
    find_problems: Callable[[Json], list[Problem]]
    tell_consequence: Callable[[Mapping[str, Any]], str]
    scopes: frozenset[str] = frozenset()
    risk: Risk | None = None
    approval_mode: ApprovalMode | None = None
    tier: Tier | None = None
    reviewers: tuple[str, ...] = ()
    quorum: int = 1
    creator_may_approve: bool | None = None
    ttl: timedelta | None = None
    secret_fields: tuple[str, ...] = ()

    @property
    def mode(self) -> ApprovalMode:
        """The approval mode in force: the written one, else the one its risk implies."""
        return self.approval_mode or derived_mode(self.risk)


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that wants to act."""

    id: str
    name: str
    creator: str
    scopes: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()  #: whom `on_behalf_of` may name
    channels: frozenset[str] = frozenset()  #: where its threads may lie
    tier: Tier | None = None
    tiers: Mapping[str, Tier] = field(default_factory=dict)  #: tool name or action class -> tier


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use up."""

    max_open_requests: int = 50
    rate_per_second: float = 50.0
    rate_burst: int = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the operator decided, as of one load of countersign.toml."""

    agents: Mapping[str, Agent]
    tools: Mapping[str, Tool]
    approvals_channel: str
    admins: tuple[str, ...]
    operators: tuple[str, ...] = ()
    offline_deciders: tuple[str, ...] = ()
    default_tier: Tier | None = None
    class_tiers: Mapping[str, Tier] = field(default_factory=dict)
    default_ttl: timedelta = DEFAULT_TTL
    limits: Limits = field(default_factory=Limits)
    hash: str = ""

    def ttl_of(self, tool: Tool) -> timedelta:
        """Return how long a request for `tool` may wait for people."""
        return tool.ttl or self.default_ttl

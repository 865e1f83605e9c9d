"""What callers may send: strict bodies and query values; a mistake names its field."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from aiohttp import web
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from governance.canonical import Json, canonical, check_size, parse_strict
from governance.errors import Unprocessable

Model = TypeVar("Model", bound=BaseModel)

MAX_PATTERN = 16 * 1024  # bytes; every call of its tool is compared with it
OFF_THE_LOOP = 8 * 1024  # bytes; what is larger is parsed and judged in a thread

#: Ids a caller makes up: printable ASCII, so that they survive logs and both databases.
Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
Words = Annotated[str, StringConstraints(max_length=32_000)]
Why = Annotated[str, StringConstraints(pattern=r"\S", max_length=2_000)]
Uses = Annotated[int, Field(ge=1, le=1_000_000)]
Reason = Annotated[str, StringConstraints(max_length=2_000)]

PersonId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


def _bounded(arguments: dict[str, Json]) -> dict[str, Json]:
    check_size(arguments)
    return arguments


Arguments = Annotated[dict[str, Any], AfterValidator(_bounded)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def leave_out_defaults(schema: dict[str, Any]) -> None:
    """Say of no field what it would be where it is left out: then it stays as it is."""
    for one in schema["properties"].values():
        one.pop("default", None)


class ThreadBody(_Strict):
    """Where the work is discussed."""

    channel: Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,30}$")]
    thread_ts: Annotated[str, StringConstraints(pattern=r"^\d{1,16}\.\d{1,9}$")]


class ProposalBody(_Strict):
    """`POST /proposals`."""

    tool: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    arguments: Arguments
    idempotency_key: Token | None = None
    session_id: Token | None = None
    trace_id: Token | None = None
    automation_id: Token | None = None
    run_id: Token | None = None
    rationale: Words | None = None
    on_behalf_of: PersonId | None = None
    thread: ThreadBody | None = None


class WithdrawBody(_Strict):
    """`DELETE /proposals/{id}`."""

    reason: Reason | None = None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies beyond the calendar") from None


#: A moment with its zone, in UTC from here on.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class PatternBody(_Strict):
    """What calls a rule means: those that agree in `fields` (JSON Pointers to values), or with `any` every one."""

    model_config = ConfigDict(json_schema_extra={
        "oneOf": [
            {"required": ["any"], "properties": {"any": {"const": True}}},
            {"required": ["fields"], "properties": {"fields": {"type": "object"}}},
        ]
    })  # fmt: skip

    any: Literal[True] | None = None
    fields: Annotated[dict[str, Any], Field(min_length=1, max_length=20)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.any is None) == (self.fields is None):
            raise ValueError("send either fields or any")
        if len(canonical(self.pattern)) > MAX_PATTERN:
            raise ValueError(f"takes more than {MAX_PATTERN // 1024} KiB; look at fewer or shorter fields")
        return self

    @property
    def pattern(self) -> dict[str, Any]:
        """The pattern as rules keep it."""
        return {"any": True} if self.fields is None else {"fields": self.fields}


class DecisionBody(_Strict):
    """`POST /approvals/{id}`. `deny` is another word for `reject`."""

    decision: Literal["approve", "reject", "deny", "defer"]
    reason: Reason | None = None
    remember: Literal["once", "session", "forever"] = "once"
    remember_pattern: PatternBody | None = None
    remember_until: Moment | None = None
    remember_uses: Uses | None = None
    remember_confirmed: bool = False
    until: Moment | None = None
    digest: Digest | None = None


class DelegateBody(_Strict):
    """`POST /approvals/{id}/delegate`."""

    to: PersonId
    reason: Reason | None = None


class EditBody(_Strict):
    """`POST /approvals/{id}/edit`. `digest` is the one the caller has looked at."""

    arguments: Arguments
    digest: Digest
    reason: Reason | None = None


class NothingBody(_Strict):
    """A call that needs no words: an empty body, or an empty object."""


class ReasonBody(_Strict):
    """`POST /agents/{id}/pause` and `/resume`."""

    reason: Why


class TierBody(_Strict):
    """`POST /agents/{id}/tier`. Without a target the agent's own tier is meant."""

    tier: Literal["shadow", "suggest", "act_with_approval", "act_and_notify", "act_auto", "L1", "L2", "L3"]
    target: Annotated[str, StringConstraints(max_length=200)] = ""
    reason: Why


class RuleBody(_Strict):
    """`POST /rules`."""

    agent: Token
    tool: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    decision: Literal["allow", "deny"]
    pattern: PatternBody
    reason: Why
    expires_at: Moment | None = None
    max_uses: Uses | None = None
    confirmed: bool = False


class TargetBody(_Strict):
    """What a question about governance is about."""

    type: Literal["agent", "automation"]
    id: Token


class QuestionBody(_Strict):
    """`POST /governance/approvals`."""

    request_type: Literal[
        "capability_request",
        "external_post",
        "quota_override",
        "lifecycle_review",
        "elevated_capability",
        "depth_override",
        "retirement_action",
    ]
    target_resource: TargetBody
    rationale: Why
    context: Arguments | None = None
    expires_at: Moment | None = None


class NotesBody(_Strict):
    """`POST /governance/approvals/{id}/approve` and `/deny`."""

    notes: Reason | None = None


class ReceiptBody(_Strict):
    """`POST /governance/approvals/{id}/consume`."""

    digest: Digest


class OutcomeBody(_Strict):
    """`POST /proposals/{id}/outcome`. `result` is any JSON of at most 64 KiB."""

    status: Literal["succeeded", "failed", "unknown"]
    result: Any = None
    error: Reason | None = None


class ReconcileBody(_Strict):
    """`POST /proposals/{id}/reconcile`."""

    outcome: Literal["happened", "did_not", "run_again"]
    reason: Annotated[str, StringConstraints(pattern=r"\S", max_length=2_000)]


async def read_body(request: web.Request, kind: type[Model]) -> tuple[Model, int]:
    """Parse a body strictly; returns it with its size in bytes. Raises Malformed, NotStrictJson or Unprocessable."""
    raw = await request.read()
    return await parse_body(raw, kind), len(raw)


async def parse_body(raw: bytes, kind: type[Model]) -> Model:
    """Parse what came in by whatever door. Raises the same."""
    return await asyncio.to_thread(_parse, raw, kind) if len(raw) > OFF_THE_LOOP else _parse(raw, kind)


def _parse(raw: bytes, kind: type[Model]) -> Model:
    value = parse_strict(raw) if raw else {}
    if not isinstance(value, dict):
        raise Unprocessable("The body must be a JSON object.")
    try:
        # Validated as JSON, so that strings stand for moments and nothing else is converted.
        return kind.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        raise unprocessable(error) from None


def unprocessable(error: ValidationError) -> Unprocessable:
    """Name every wrong field and what it should be."""
    problems = [
        {"field": "/" + "/".join(map(str, one["loc"])), "message": _message(one["type"], one["msg"])}
        for one in error.errors()
    ]
    sentence = "; ".join(f"{one['field']}: {one['message']}" for one in problems[:5])
    return Unprocessable(f"{sentence}.", code="INVALID_BODY", details={"problems": problems[:20]})


def _message(kind: str, message: str) -> str:
    words = {"extra_forbidden": "is not a known field; remove it", "missing": "is required"}
    message = message.removeprefix("Value error, ")
    return words.get(kind, message[:1].lower() + message[1:])


def moment(value: datetime) -> str:
    """Write a moment as the wire does: RFC 3339 in UTC, ending in Z."""
    return value.isoformat().replace("+00:00", "Z")


def moment_or_none(value: datetime | None) -> str | None:
    """Write a moment, or null."""
    return moment(value) if value is not None else None

"""Calls that schemathesis makes up from the OpenAPI document, made as callers who may: keys and real signatures."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema

from bot.api.cursors import cursor_after, cursor_at
from tests.conftest import NOON
from tests.integration.calls import Key

_LONGEST_WAIT = "0.01"  # seconds; a long poll answers the same after a minute
_PLACEHOLDER = re.compile(r"\{\w+\}")

schemathesis.openapi.format("cursor", st.just(cursor_after(NOON, "apr_0198d2a6")))
schemathesis.openapi.format("chain-cursor", st.just(cursor_at(3)))


class Signer(requests.auth.AuthBase):
    """Authenticates a call as its operation asks: by an agent's key, or signed by one of some operators.

    Where several may call, they take turns; but what an agent may make, the agent makes, because it sees nothing else.
    """

    def __init__(self, document: dict[str, Any], agent: str, provisioner: str, operators: list[Key]) -> None:
        self._agent, self._provisioner, self._operators, self._calls = agent, provisioner, operators, count()
        self._described = [
            (method.upper(), re.compile(_PLACEHOLDER.sub("[^/]+", path)), path, [{*one} for one in taken["security"]])
            for path, methods in sorted(document["paths"].items(), key=lambda one: "{" in one[0])
            for method, taken in methods.items()
        ]

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        (path, takers), drawn = self._operation_of(request), next(self._calls)
        makes = request.method == "POST" and "{" not in path
        if {"provisionerKey"} in takers:
            request.headers["Authorization"] = f"Bearer {self._provisioner}"
        elif {"agentKey"} in takers and (len(takers) == 1 or makes or drawn % 2):
            request.headers["Authorization"] = f"Bearer {self._agent}"
        else:
            self._sign(request, self._operators[drawn // 2 % len(self._operators)])
        return request

    def _operation_of(self, request: requests.PreparedRequest) -> tuple[str, list[set[str]]]:
        """Return the path of a call in the document, and who may make it."""
        target = (request.path_url or "").partition("?")[0]
        for method, pattern, path, takers in self._described:
            if method == request.method and pattern.fullmatch(target):
                return path, takers
        return target, []

    def _sign(self, request: requests.PreparedRequest, key: Key) -> None:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(12)
        text = "\n".join(
            ["v1", request.method or "", request.path_url or "", timestamp, nonce, hashlib.sha256(body).hexdigest()]
        )
        signature = hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest()
        request.headers.update({
            "X-Countersign-Key": key[0], "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
            "X-Countersign-Signature": f"v1={signature}",
        })  # fmt: skip


#: What makes a body or a query value unacceptable though JSON Schema has no words for it.
_BEYOND_SCHEMAS = (
    "write a duration above zero and up to 366d", "cannot be changed and reset at once", "lies beyond the calendar",
    "total_tokens is less than", "agent: send the id of an agent",
    r"should match pattern '\S'",  # dialects of patterns differ on what is white
)  # fmt: skip


@schemathesis.check
def accepted_as_described(ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> bool | None:
    """What the document describes is not refused for its shape; for what it means it may be."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return None
    problem = response.json()
    if "details" not in problem:
        return None  # the Agent Approval Protocol says it in its own words
    told = [one["message"] for one in problem["details"].get("problems", [])] or [problem["error"]]
    wrong = [one for one in told if not any(known in one for known in _BEYOND_SCHEMAS)]
    if problem["code"] in ("MALFORMED_JSON", "INVALID_BODY", "INVALID_QUERY") and wrong:
        raise Failure(operation=case.operation.label, title="Refused as described", message="; ".join(wrong))
    return None


def found(url: str, document: dict[str, Any], signer: Signer, examples: int) -> Iterator[str]:
    """Run every phase, the stateful one too, with every check; yields what is wrong, with the call that shows it."""
    ours = {path: one for path, one in document["paths"].items() if not path.startswith("/slack/")}
    ending = {**document, "paths": {path: one for path, one in ours.items() if not _streams(one)}}
    schema = schemathesis.openapi.from_dict(ending, config=_config(url, examples))
    schema.auth.set_from_requests(signer)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            yield from _failures(event)
        elif isinstance(event, events.NonFatalError):
            yield f"{event.label}: {event.value!r}"
        elif isinstance(event, events.FatalError):
            raise event.exception


def _streams(methods: dict[str, Any]) -> bool:
    """Whether an address answers without end."""
    answers = [answer for one in methods.values() for answer in one["responses"].values()]
    return any("text/event-stream" in one.get("content", ()) for one in answers)


def _config(url: str, examples: int) -> schemathesis.Config:
    generation = {
        "max-examples": examples, "deterministic": True, "database": "none", "with-security-parameters": False,
    }  # fmt: skip
    return schemathesis.Config.from_dict({
        "base-url": url, "seed": 1, "workers": 1, "continue-on-failure": True, "generation": generation,
        "phases": {"stateful": {"generation": {**generation, "mode": "positive", "max-examples": 4 * examples}}},
        "cache": {"enabled": False}, "warnings": False, "suppress-health-check": ["all"],
        # semantics is no matter of schemas: a reviewer may not be one; `accepted_as_described` looks closer
        "checks": {"positive_data_acceptance": {"enabled": False}},
    })  # fmt: skip


@schemathesis.hook("before_call")
def make_sendable(context: Any, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Wait briefly, and write whole numbers as such: 5.0 is an integer to JSON Schema, and none to the API."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 < wait <= 60:
        case.query["wait"] = _LONGEST_WAIT
    if isinstance(case.body, dict | list):
        case.body = _whole(case.body)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _failures(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                yield _told(event, case_id, str(check.failure_info.failure))


def _told(event: events.ScenarioFinished, case_id: str, why: str) -> str:
    shown = event.recorder.interactions[case_id]
    answer = shown.response
    body = shown.request.body or b""
    return (
        f"{event.phase.value}: {shown.request.method} {shown.request.uri} {body[:400]!r}\n"
        f"-> {answer and answer.status_code} {answer and answer.content[:400]!r}\n{why}\n"
    )

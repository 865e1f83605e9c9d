"""Calls that schemathesis makes up from the OpenAPI document, made as callers who may: keys and real signatures."""

import hashlib
import hmac
import re
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

schemathesis.openapi.format(
    "cursor",
    st.sampled_from(
        [cursor_after(NOON, "apr_0198d2a6"), cursor_at(3), cursor_after(NOON, "aut_0198d2a6"), cursor_at(1)]
    ),
)


class Signer(requests.auth.AuthBase):
    """Authenticates a call as its operation asks: by an agent's key, or signed by one of some operators.

    Where either may call, the call itself says who does, so that the same calls are made by the same callers.
    """

    def __init__(self, document: dict[str, Any], agent: str, operators: list[Key]) -> None:
        self._agent, self._operators, self._nonces = agent, operators, count()
        self._takers = [
            (method.upper(), re.compile(_PLACEHOLDER.sub("[^/]+", path)), [{*one} for one in operation["security"]])
            for path, methods in document["paths"].items() for method, operation in methods.items()
        ]  # fmt: skip

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        drawn = int(hashlib.sha256(f"{request.method} {request.path_url} {request.body!r}".encode()).hexdigest(), 16)
        takers = self._takers_of(request)
        if {"agentKey"} in takers and (len(takers) == 1 or drawn % 2):
            request.headers["Authorization"] = f"Bearer {self._agent}"
        else:
            self._sign(request, self._operators[drawn // 2 % len(self._operators)])
        return request

    def _takers_of(self, request: requests.PreparedRequest) -> list[set[str]]:
        path = (request.path_url or "").partition("?")[0]
        return next(
            (who for method, known, who in self._takers if method == request.method and known.fullmatch(path)), []
        )

    def _sign(self, request: requests.PreparedRequest, key: Key) -> None:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        timestamp, nonce = str(int(time.time())), f"{next(self._nonces):024x}"
        text = "\n".join(
            ["v1", request.method or "", request.path_url or "", timestamp, nonce, hashlib.sha256(body).hexdigest()]
        )
        signature = hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest()
        request.headers |= {
            "X-Countersign-Key": key[0], "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
            "X-Countersign-Signature": f"v1={signature}",
        }  # fmt: skip


@schemathesis.check
def accepted_as_described(ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> bool | None:
    """What the document describes is not refused for its shape; for what it means it may be."""
    if case.meta is not None and case.meta.generation.mode.is_positive and response.status_code in (400, 422):
        problem = response.json()
        if problem["code"] in ("MALFORMED_JSON", "INVALID_BODY", "INVALID_QUERY"):
            raise Failure(operation=case.operation.label, title="Refused as described", message=problem["error"])
    return None


def found(url: str, document: dict[str, Any], signer: Signer, examples: int) -> Iterator[str]:
    """Run every phase, the stateful one too, with every check; yields what is wrong, with the call that shows it."""
    schema = schemathesis.openapi.from_dict(document, config=_config(url, examples))
    schema.auth.set_from_requests(signer)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            yield from _failures(event)
        elif isinstance(event, events.NonFatalError):
            yield f"{event.label}: {event.value!r}"
        elif isinstance(event, events.FatalError):
            raise event.exception


def _config(url: str, examples: int) -> schemathesis.Config:
    generation = {
        "max-examples": examples, "deterministic": True, "database": "none", "with-security-parameters": False,
    }  # fmt: skip
    return schemathesis.Config.from_dict({
        "base-url": url, "seed": 1, "workers": 1, "continue-on-failure": True, "generation": generation,
        "cache": {"enabled": False}, "warnings": False, "suppress-health-check": ["all"],
        # semantics is no matter of schemas: a reviewer may not be one; `accepted_as_described` looks closer
        "checks": {"positive_data_acceptance": {"enabled": False}},
    })  # fmt: skip


@schemathesis.hook("before_call")
def wait_briefly(context: Any, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 < wait <= 60:
        case.query["wait"] = _LONGEST_WAIT


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

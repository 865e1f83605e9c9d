"""The protocol's desk: whatever goes wrong below `/aap` is told in its shape, and every answer carries its own id."""

import logging
import uuid
from typing import Any

from aiohttp import web

from bot.api.errors import Handler, answer
from governance.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Refusal,
    TooMany,
    Unauthenticated,
    Unprocessable,
)
from governance.text import cut

log = logging.getLogger(__name__)

BASE = "/aap"
_RETRY_AFTER = 5  # seconds, where nothing says when there is room again

_STATUS: dict[type[Refusal], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 400,
    TooMany: 429,
}
#: What is well formed and yet not acceptable here.
_UNACCEPTABLE = frozenset(
    {"webhook_verification_failed", "tool_not_run_by_agent", "needs_input", "no_encryption_key"}
)  # fmt: skip
_TYPE = {
    401: "authentication",
    403: "authorization",
    404: "not_found",
    409: "conflict",
    429: "rate_limit",
    500: "internal",
    503: "dependency",
}
_HTTP = {
    404: ("not_found", "There is nothing at this address; the Agent Approval Protocol is under /aap/v1."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("body_too_large", "The body is larger than 1 MiB; send less."),
}


@web.middleware
async def aap_desk(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler below `/aap` raises into an answer, and number the answer."""
    if request.path != BASE and not request.path.startswith(f"{BASE}/"):
        return await handler(request)
    exchange = str(uuid.uuid4())
    response = await _answered(request, handler, exchange)
    response.headers["X-Request-ID"] = exchange
    return response


async def _answered(request: web.Request, handler: Handler, exchange: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return _refused(refusal, exchange)
    except web.HTTPException as error:
        code, sentence = _HTTP.get(error.status, ("invalid_request", "The request is not acceptable."))
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _problem(error.status, code, sentence, exchange, headers=headers)
    except Exception:  # the outer edge: an unknown fault must not reach the caller as anything but a sentence
        log.exception("%s %s failed", ascii(cut(request.method, 20)), ascii(cut(request.raw_path, 200)))
        return _problem(500, "internal", "Something went wrong on our side; nothing was recorded. Try again.", exchange)


def _refused(refusal: Refusal, exchange: str) -> web.Response:
    code = refusal.name.lower()
    found = next((_STATUS[kind] for kind in type(refusal).__mro__ if kind in _STATUS), 503)
    status = 422 if code in _UNACCEPTABLE else found
    headers = {"Retry-After": str(refusal.details.get("retry_after", _RETRY_AFTER))} if status in (429, 503) else {}
    problems = refusal.details.get("problems")
    field = str(problems[0]["field"]).strip("/") if problems else None
    return _problem(status, code, refusal.sentence, exchange, field, headers)


def _problem(
    status: int, code: str, sentence: str, exchange: str, field: str | None = None, headers: Any = None
) -> web.Response:  # fmt: skip
    told = {"type": _TYPE.get(status, "invalid_request"), "code": code, "message": sentence}
    return answer({"error": told | ({"param": field} if field else {}) | {"request_id": exchange}}, status, headers)

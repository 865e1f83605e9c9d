"""The API's desk: every refusal becomes one JSON body with a code, one sentence and details."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from sqlalchemy.exc import TimeoutError as NoConnection

from bot.api.shapes import Problem
from bot.office.deciding import CannotAskSlack
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: dict[type[Refusal], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 422,
    TooMany: 429,
    CannotAskSlack: 503,
}
_HTTP = {
    404: ("NOT_FOUND", "There is nothing at this address; the API is under /api/v1."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method."),
    413: ("BODY_TOO_LARGE", "The body is larger than 1 MiB; send less."),
}
_BUSY = "More is asked than can be answered at the moment; try again, what was taken already is not taken twice."


@web.middleware
async def desk(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return refused(refusal)
    except web.HTTPException as error:
        code, sentence = _HTTP.get(error.status, ("BAD_REQUEST", "The request is not acceptable."))
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return problem(error.status, code, sentence, headers=headers)
    except NoConnection:  # so many calls at once that no connection came free: nothing is wrong, it is only too much
        log.warning("%s was given up: no connection to the database came free", ascii(cut(request.raw_path, 200)))
        return problem(503, "BUSY", _BUSY, {"retry_after": 1}, {"Retry-After": "1"})
    except Exception:  # the outer edge: an unknown fault must not reach the caller as anything but a sentence
        # The target as it came in, still encoded: a decoded line break would start a line of the caller's making.
        log.exception("%s %s failed", ascii(cut(request.method, 20)), ascii(cut(request.raw_path, 200)))
        return problem(500, "INTERNAL", "Something went wrong on our side; nothing was recorded. Try again.")


def refused(refusal: Refusal) -> web.Response:
    """Answer a refusal."""
    headers = {"Retry-After": str(refusal.details["retry_after"])} if "retry_after" in refusal.details else {}
    return problem(status_of(refusal), refusal.name, refusal.sentence, refusal.details, headers)


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal."""
    return next((_STATUS[kind] for kind in type(refusal).__mro__ if kind in _STATUS), 400)


def problem(
    status: int, code: str, sentence: str, details: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with the one shape all errors have."""
    body: Problem = {"code": code, "error": sentence, "details": details or {}}
    return answer(body, status, headers)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")

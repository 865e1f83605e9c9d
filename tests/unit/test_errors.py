"""Every refusal has a code of its own, one sentence, and a place on each desk."""

import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy.exc import TimeoutError as NoConnection

from bot.api.errors import desk, refused
from governance import errors
from governance.errors import AlreadyDecided, Refusal, TooMany

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refusal)]
STATUS = {
    "MALFORMED_JSON": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_A_REVIEWER": 403,
    "SELF_REVIEW": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "ALREADY_DECIDED": 409,
    "APPROVAL_EXPIRED": 409,
    "ARGUMENTS_CHANGED": 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "ILLEGAL_MOVE": 409,
    "UNPROCESSABLE": 422,
    "NOT_STRICT_JSON": 422,
    "TOO_MANY": 429,
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Refusal])
def test_a_refusal_answers_its_status_its_code_and_one_sentence(kind):
    answer = refused(kind())
    body = json.loads(answer.text)
    assert answer.status == STATUS[body["code"]]
    assert set(body) == {"code", "error", "details"}
    assert re.fullmatch(r"[A-Z][^\n]+[^.\n]\.", body["error"])


def test_no_two_kinds_share_a_code():
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn = re.findall(r"^(?:[│├└─ ]*)([A-Z]\w+)(?:\s{2,}.*)?$", errors.__doc__.split("\n\n")[1], re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in KINDS)


def test_a_refusal_may_bring_its_own_words_and_code_and_details():
    refusal = TooMany("Wait a little.", code="RATE_LIMITED", details={"retry_after": 3})
    answer = refused(refusal)
    assert (str(refusal), refusal.name, answer.headers["Retry-After"]) == ("Wait a little.", "RATE_LIMITED", "3")


def test_losers_of_a_race_are_told_who_won():
    answer = refused(AlreadyDecided(details={"winner": {"by": "U0BOB"}}))
    assert json.loads(answer.text)["details"] == {"winner": {"by": "U0BOB"}}


async def test_a_fault_is_logged_on_lines_of_ours_alone(caplog):
    async def fails(_):
        raise RuntimeError("broken")

    answer = await desk(make_mocked_request("GET", "/a%0aERROR%20root:%20forged%0d" + "x" * 5000), fails)
    (record,) = caplog.records
    assert answer.status == 500
    assert not set("\r\n") & set(record.getMessage())
    assert len(record.getMessage()) < 300


async def test_an_address_that_is_no_ascii_is_logged_escaped(caplog):
    async def fails(_: web.Request):
        raise RuntimeError("broken")

    await desk(make_mocked_request("GET", "/\u202e\x1b[31m"), fails)
    assert caplog.records[0].getMessage().isascii()
    assert caplog.records[0].getMessage().isprintable()


async def test_too_much_at_once_is_no_fault_and_says_when_to_come_back():
    async def handler(request):
        raise NoConnection("QueuePool limit of size 10 overflow 10 reached")

    answer = await desk(make_mocked_request("POST", "/api/v1/approvals/apr_1"), handler)
    assert (answer.status, json.loads(answer.text)["code"], answer.headers["Retry-After"]) == (503, "BUSY", "1")

"""The OpenAPI document names every address, says what the code says, and is there for everybody."""

from typing import Any

import pytest
import schemathesis
from aiohttp import web

from storage.tables import KeyKind
from tests.integration.calls import API, is_problem
from tests.stack import Stack

DOCUMENT = f"{API}/openapi.json"
#: Other protocols: named, and described where those are written.
ELSEWHERE = ("/mcp", "/slack/")


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, one) for path, methods in document["paths"].items() for method, one in methods.items()
    ]


async def test_the_document_names_every_address_of_the_server_and_nothing_else(stack: Stack) -> None:
    status, document = await stack.call("GET", DOCUMENT, secret="")
    assert status == 200
    routes = {(one.method, _path(one)) for one in stack.server._runner.app.router.routes()}
    described = {(method, path) for method, path, _ in operations(document)}
    assert described == (routes - {("*", "/mcp")}) | {("POST", "/mcp")}, "which takes no other method"

    schemathesis.openapi.from_dict(document).validate()  # as OpenAPI 3.1 has it
    names = [one["operationId"] for _, _, one in operations(document)]
    assert len(names) == len({*names})
    for method, path, one in operations(document):
        assert one["summary"], (method, path)
        if path.startswith(ELSEWHERE):
            continue
        assert ("401" in one["responses"]) == bool(one["security"]), "who has to say who they are, may fail to"
        if path.startswith(API):
            assert ("requestBody" in one) == ("400" in one["responses"])
        assert {part[1:-1] for part in path.split("/") if part.startswith("{")} == {
            each["name"] for each in one["parameters"] if each["in"] == "path"
        }
    limited = document["components"]["responses"]["TooManyCalls"]
    assert limited["headers"]["Retry-After"]["schema"]["type"] == "integer"


def _path(route: web.AbstractRoute) -> str:
    assert route.resource is not None
    return route.resource.canonical


async def test_a_mistyped_query_value_cannot_make_a_call_write(stack: Stack) -> None:
    admin = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    rule = {"agent": "deployer", "tool": "note.auto", "decision": "deny", "pattern": {"any": True}, "reason": "no"}
    told = await stack.signed(admin, "POST", f"{API}/rules?dryrun=1", rule)
    assert is_problem(told, 422, "INVALID_QUERY")
    assert told[1]["error"].startswith("dryrun: ")
    assert "dry_run" in told[1]["error"]
    assert (await stack.signed(admin, "GET", f"{API}/rules"))[1]["items"] == []

    proposing = {"tool": "note.auto", "arguments": {"service": "checkout"}}
    for query in ("wiat=1", "a", "%0await=1", "dry_run=1&dryrun=1"):
        path = f"{API}/proposals?{query}"
        assert is_problem(await stack.call("POST", path, proposing), 422, "INVALID_QUERY"), query
        assert is_problem(await stack.call("POST", path, proposing, secret="unknown"), 401, "UNAUTHENTICATED"), query
    assert (await stack.call("GET", f"{API}/governance/policy-decisions"))[1]["count"] == 0
    assert (await stack.call("GET", f"{API}/approvals?limt=1"))[0] == 200, "reading ignores what it does not know"


@pytest.mark.parametrize("path", ["/approvals?limit=1&limit=2", "/trust?agent=a&agent=b", "/proposals?wait=0&wait=0"])
async def test_a_query_value_that_stands_twice_is_refused(stack: Stack, path: str) -> None:
    method, body = ("POST", {"tool": "note.auto", "arguments": {}}) if "/proposals" in path else ("GET", None)
    assert is_problem(await stack.call(method, API + path, body), 422, "INVALID_QUERY")

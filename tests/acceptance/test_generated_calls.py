"""The API keeps to its OpenAPI document, whatever is made up from it."""

import asyncio
import copy
from typing import Any

import pytest

from storage.tables import KeyKind
from tests import profiles
from tests.generated import Signer, found
from tests.stack import Stack

_LIMITS = "[limits]\nrate_per_second = 10000\nrate_burst = 100000\nmax_open_requests = 10000\n"


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": _LIMITS, "admins": '["U0ADMIN", "U0BOB"]', "agent": "report_spend = true"}


def _known(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with values that mean something here."""
    known = copy.deepcopy(document)
    bodies = known["components"]["schemas"]
    bodies["ProposalBody"]["properties"]["tool"] = {"enum": ["deploy.production", "note.auto", "hint.it", "deploy.two"]}
    bodies["ProposalBody"]["properties"]["arguments"] = {
        "type": "object", "required": ["service"], "properties": {"service": {"type": "string"}},
        "additionalProperties": False,
    }  # fmt: skip
    bodies["RuleBody"]["properties"]["tool"] = {"enum": ["deploy.production", "note.*"]}
    for body, name in (("RuleBody", "agent"), ("GrantBody", "granted_to_agent_id")):
        bodies[body]["properties"][name] = {"enum": ["deployer", "stranger"]}
    for name in ("approval_ttl", "expiration_warning_window", "health_check_interval"):
        bodies["LimitsBody"]["properties"][name] = {"enum": ["1h", "3d"]}
    propose = known["paths"]["/api/v1/proposals"]["post"]
    propose["parameters"] = [one for one in propose["parameters"] if one["name"] != "dry_run"]  # it refuses nothing
    for path, methods in known["paths"].items():
        if "/agents/{id}" in path:
            for operation in methods.values():
                operation["parameters"][0]["schema"] = {"enum": ["deployer", "stranger"]}
    return known


@pytest.mark.parametrize("narrowed", [False, True], ids=["as described", "with known names"])
async def test_nothing_made_up_from_the_document_finds_the_api_breaking_it(stack: Stack, narrowed: bool) -> None:
    operators = [await stack.key(KeyKind.OPERATOR, person) for person in ("U0ADMIN", "U0BOB", "U0CAROL")]
    _, document = await stack.call("GET", "/api/v1/openapi.json", secret="")
    signer = Signer(document, stack.agent_secret, operators)
    examples = 300 if profiles.is_thorough() else 5
    described = _known(document) if narrowed else document
    wrong = await asyncio.to_thread(lambda: list(found(stack.url, described, signer, examples)))
    assert not wrong, "\n".join(wrong)

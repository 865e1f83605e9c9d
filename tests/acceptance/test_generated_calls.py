"""The API keeps to its OpenAPI document, whatever is made up from it."""

import asyncio
import copy
from typing import Any

import pytest

from bot.office import TENANT
from operations.aap_instances import create_provisioner
from storage.tables import KeyKind
from tests import profiles
from tests.acceptance.governing import registered, started
from tests.generated import Signer, found
from tests.integration.calls import API, Key
from tests.stack import Stack

_LIMITS = "[limits]\nrate_per_second = 10000\nrate_burst = 100000\nmax_open_requests = 10000\n"
_LIMITS_TRIED = ("weekly_spend_cap_usd", "health_window_run_limit", "agent_weekly_spend_caps_usd", "reset", "reason")
_ENOUGH = 4  #: of what can be used up, so that some is left when others have ended

#: Real ids, or names, by the path below which they stand.
Known = dict[str, list[str]]


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": _LIMITS, "admins": '["U0ADMIN", "U0BOB"]', "agent": "report_spend = true"}


async def _furnished(stack: Stack, admin: Key) -> Known:
    """Make some of everything, so that calls meet more than 404."""
    proposed = [
        (await stack.propose(tool, arguments={"service": f"s{n}"}))[1]
        for n in range(_ENOUGH) for tool in ("deploy.production", "deploy.two", "hint.it", "note.auto")
    ]  # fmt: skip
    automations = [await registered(stack, f"Nightly {n}") for n in range(_ENOUGH)]
    runs = [await started(stack, automations[0]) for _ in range(_ENOUGH)]
    grant = {"granted_to_agent_id": "stranger"}
    grants = [(await stack.signed(admin, "POST", f"{API}/automations/{one}/grants", grant))[1] for one in automations]
    rule = {"agent": "stranger", "decision": "deny", "reason": "no", "pattern": {"any": True}}
    rules = [
        (await stack.signed(admin, "POST", f"{API}/rules", {**rule, "tool": tool}))[1]["id"]
        for tool in ("note.auto", "note.l2", "dry.run", "hint.it")
    ]
    question = {"request_type": "capability_request", "rationale": "so", "target_resource": {"type": "agent"}}
    question["target_resource"] |= {"id": "deployer"}
    asked = [
        (await stack.call("POST", f"{API}/governance/approvals", {**question, "context": {"capability": f"c{n}"}}))[1]
        for n in range(_ENOUGH)
    ]
    return {
        "/proposals/{id}": [one["proposal_id"] for one in proposed],
        "/approvals/{id}": [one["approval"]["id"] for one in proposed if one["approval"]],
        "/automations/{id}": automations, "/runs/{id}": runs, "/rules/{id}": rules,
        "/grants/{gid}": [one["grant"]["id"] for one in grants],
        "/governance/approvals/{id}": [one["approval"]["approval_id"] for one in asked],
        "/agents/{id}/spend/reports": ["deployer"], "/governance/agents/{id}": ["deployer"],
        "/agents/{id}": ["stranger"],
    }  # fmt: skip


def _narrowed(document: dict[str, Any], known: Known) -> dict[str, Any]:
    """Return the document with ids and names that mean something here, in the place of any text."""
    narrow = copy.deepcopy(document)
    for path, methods in narrow["paths"].items():
        for parameter in (one for operation in methods.values() for one in operation["parameters"]):
            ids = next((known[below] for below in known if _is_id_below(parameter["name"], path, below)), None)
            if parameter["in"] == "path" and ids:
                parameter["schema"] = {"enum": ids}
    propose = narrow["paths"][f"{API}/proposals"]["post"]
    propose["parameters"] = [one for one in propose["parameters"] if one["name"] != "dry_run"]  # it refuses nothing
    fields = {name: schema.get("properties", {}) for name, schema in narrow["components"]["schemas"].items()}
    fields["ProposalBody"]["tool"] = {"enum": ["deploy.production", "note.auto", "hint.it", "deploy.two"]}
    fields["ProposalBody"]["arguments"] = fields["EditBody"]["arguments"] = {
        "type": "object", "required": ["service"], "properties": {"service": {"type": "string"}},
        "additionalProperties": False,
    }  # fmt: skip
    fields["RuleBody"] |= {"tool": {"enum": ["deploy.production", "note.*"]}, "agent": {"enum": ["stranger"]}}
    fields["GrantBody"]["granted_to_agent_id"] = {"enum": ["stranger"]}
    limits = narrow["components"]["schemas"]["LimitsBody"]
    limits["properties"] = {name: limits["properties"][name] for name in _LIMITS_TRIED}
    limits["anyOf"] = [{"required": [name]} for name in _LIMITS_TRIED if name != "reason"]
    return narrow


def _is_id_below(name: str, path: str, below: str) -> bool:
    """Whether a parameter of a path is the id that stands at the end of another, wherever that begins."""
    return f"{{{name}}}" in below and (path.startswith(API + below) or path.endswith(below))


@pytest.mark.parametrize("kind", ["narrowed", "as it is"] if profiles.is_thorough() else ["narrowed"])
async def test_nothing_made_up_from_the_document_finds_the_api_breaking_it(stack: Stack, kind: str) -> None:
    operators = [await stack.key(KeyKind.OPERATOR, person) for person in ("U0ADMIN", "U0BOB", "U0CAROL")]
    known = await _furnished(stack, operators[0])
    _, document = await stack.call("GET", f"{API}/openapi.json", secret="")
    described = _narrowed(document, known) if kind == "narrowed" else document
    _, provisioner = await stack.database.write(TENANT, lambda tx: create_provisioner(tx, "deployer"))
    signer = Signer(document, stack.agent_secret, provisioner, operators)
    examples = 200 if profiles.is_thorough() else 3
    wrong = await asyncio.to_thread(lambda: list(found(stack.url, described, signer, examples)))
    assert not wrong, "\n".join(wrong)

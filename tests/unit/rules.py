"""Small policies for tests of the rules: one tool, one agent, changed where a test says so."""

from datetime import timedelta

from governance.policy import Agent, Connector, Policy, Tool
from governance.schemas import compile_schema
from governance.tiers import Risk

SCHEMA = {
    "type": "object",
    "required": ["service"],
    "additionalProperties": False,
    "properties": {"service": {"type": "string"}, "token": {"type": "string"}},
}


def tool(**changes):
    """`deploy.production` of class `deploy`, a high write that needs the scope `deploy`."""
    made = {
        "name": "deploy.production",
        "title": "Deploy to production",
        "action_class": "deploy",
        "capability": "deploy.production",
        "connector": Connector("http", "http://127.0.0.1:9/deploy"),
        "version": "v1",
        "find_problems": compile_schema(SCHEMA),
        "tell_consequence": lambda arguments: "Replaces it",
        "scopes": frozenset({"deploy"}),
        "risk": Risk.HIGH_WRITE,
        "reviewers": ("U0BOB", "U0CAROL"),
    }
    return Tool(**{**made, **changes})


def agent(**changes):
    """`deployer`, made by Alice, who may also act for Carol."""
    made = {
        "id": "deployer",
        "name": "Deployer",
        "creator": "U0ALICE",
        "scopes": frozenset({"deploy"}),
        "people": frozenset({"U0ALICE", "U0CAROL"}),
    }
    return Agent(**{**made, **changes})


def policy(*tools, agents=(), **changes):
    """A policy with the given tools and agents, else the usual ones."""
    made = {
        "agents": {one.id: one for one in agents or (agent(),)},
        "tools": {one.name: one for one in tools or (tool(),)},
        "approvals_channel": "C0APPROVALS",
        "admins": ("U0ADMIN",),
        "default_ttl": timedelta(hours=48),
    }
    return Policy(**{**made, **changes})

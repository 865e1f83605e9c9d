"""The benchmark's own countersign.toml: one agent, a tool that runs unasked (L1), a tool people approve (L3)."""

APPROVER = "U0BOB"
AGENT = "bench"
UNASKED, ASKED = "bench.note", "bench.deploy"
SECRET_ENV = "BENCH_SECRET"
SECRET = "whsec_YmVuY2htYXJrcyBzaWduIHdpdGggdGhpcyBzZWNyZXQ="

_POLICY = """
[slack]
approvals_channel = "C0APPROVALS"
[limits]
max_open_requests = 10000
rate_per_second = 10000.0
rate_burst = 100000
[[agents]]
id = "{agent}"
name = "Benchmark"
creator = "U0ALICE"
scopes = ["bench"]
channels = {channels}
[agents.tiers]
"{unasked}" = "L1"
"{asked}" = "L3"
"""

_TOOL = """
[[tools]]
name = "{name}"
title = "{title}"
action_class = "{name}"
capability = "{name}"
scopes = ["bench"]
risk = "{risk}"
reviewers = ["{approver}", "U0CAROL"]
consequence = "Puts {{{{ version }}}} of {{{{ service }}}} in place"
secret_fields = ["token"]
[tools.connector]
kind = "http"
url = "{target}/tools/{name}"
secret_env = "{secret_env}"
idempotent = true
timeout = "10s"
attempts = 3
[tools.input_schema]
type = "object"
required = ["service", "version"]
additionalProperties = false
[tools.input_schema.properties]
service = {{ type = "string" }}
version = {{ type = "string" }}
token = {{ type = "string" }}
"""


def policy_text(target: str, channels: list[str]) -> str:
    """The policy for a service at `target`; the agent may post into these channels."""
    head = _POLICY.format(agent=AGENT, unasked=UNASKED, asked=ASKED, channels=channels)
    return head + _tool(target, UNASKED, "Write a note", "low_write") + _tool(target, ASKED, "Deploy", "high_write")


def _tool(target: str, name: str, title: str, risk: str) -> str:
    return _TOOL.format(
        name=name, title=title, risk=risk, target=target, approver=APPROVER, secret_env=SECRET_ENV
    )  # fmt: skip

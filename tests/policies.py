"""The policy most tests use: one agent, tools at every tier, with a real address filled in where one is called."""

TARGET = "http://127.0.0.1:9"

_TOOL = """
[[tools]]
name = "{name}"
title = "{title}"
action_class = "{action_class}"
capability = "{action_class}"
scopes = {scopes}
risk = "{risk}"
reviewers = {reviewers}
quorum = {quorum}
consequence = "Does {name} with {{{{ service }}}}"
secret_fields = ["token"]
input_schema = {{ type = "object", required = ["service"], additionalProperties = false, properties = {{ service = {{ type = "string" }}, token = {{ type = "string" }}, note = {{ type = "string" }} }} }}
connector = {{ kind = "http", url = "TARGET/{name}", secret_env = "DEPLOY_SECRET", idempotent = {idempotent}, timeout = "5s", attempts = 3 }}
{more}
"""

_HEAD = """
[slack]
approvals_channel = "C0APPROVALS"
[roles]
admins = ["U0ADMIN"]
[defaults]
tier = "act_with_approval"
approval_ttl = "48h"
[[agents]]
id = "deployer"
name = "Deployer"
creator = "U0ALICE"
scopes = ["deploy"]
people = ["U0ALICE", "U0CAROL"]
channels = ["C0DEPLOYS"]
[agents.tiers]
"note.write" = "L1"
"note.tell" = "L2"
"dry" = "shadow"
"hint" = "suggest"
[[agents]]
id = "stranger"
name = "Stranger"
creator = "U0MALLORY"
"""


def tool(
    name: str,
    *,
    title: str = "",
    action_class: str = "deploy",
    scopes: str = '["deploy"]',
    risk: str = "high_write",
    reviewers: str = '["U0BOB", "U0CAROL"]',
    quorum: int = 1,
    idempotent: str = "true",
    more: str = "",
) -> str:
    """One `[[tools]]` table."""
    return _TOOL.format(
        name=name, title=title or name, action_class=action_class, scopes=scopes, risk=risk, reviewers=reviewers,
        quorum=quorum, idempotent=idempotent, more=more,
    )  # fmt: skip


TOOLS = "".join(
    (
        tool("deploy.production", title="Deploy to production"),
        tool("deploy.two", title="Deploy with two keys", quorum=2, reviewers='["U0BOB", "U0CAROL", "U0ALICE"]'),
        tool("deploy.group", title="Deploy by on-call", reviewers='["S0ONCALL"]'),
        tool("deploy.once", title="Deploy, not repeatable", idempotent="false"),
        tool("deploy.default", title="Deploy, default reviewers", reviewers="[]"),
        tool("deploy.barred", title="Deploy, creator barred", reviewers='["U0ALICE", "U0BOB"]',
             more="creator_may_approve = false"),
        tool("note.auto", title="Write a note", action_class="note.write", scopes="[]", risk="low_write"),
        tool("note.l2", title="Tell a note", action_class="note.tell", scopes="[]", risk="low_write"),
        tool("dry.run", title="Dry run", action_class="dry", scopes="[]", risk="read_only"),
        tool("hint.it", title="Hint", action_class="hint", scopes="[]", risk="low_write", reviewers='["U0BOB"]'),
        tool("drop.database", title="Drop", risk="destructive"),
    )
)  # fmt: skip

POLICY = (_HEAD + TOOLS).replace("TARGET", TARGET)


def policy_text(
    target: str = TARGET,
    *,
    ttl: str = "48h",
    extra: str = "",
    admins: str = '["U0ADMIN"]',
    agent: str = "",
    top: str = "",
    slack: str = "",
) -> str:
    """The policy with the address of a real service; `agent` adds keys to the deployer, `slack` to `[slack]`, `top` to
    the whole file."""
    head = _HEAD.replace('"48h"', f'"{ttl}"').replace('admins = ["U0ADMIN"]', f"admins = {admins}")
    head = head.replace('name = "Deployer"\n', f'name = "Deployer"\n{agent}\n')
    head = head.replace("[slack]\n", f"[slack]\n{slack}\n")
    return (top + head + TOOLS + extra).replace("TARGET", target)

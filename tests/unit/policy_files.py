"""A whole countersign.toml as text, to be loaded as it is or with one line changed."""

from bot.policy import load_policy

WHOLE = """\
[slack]
approvals_channel = "C0APPROVALS"

[roles]
admins = ["U0ADMIN"]
operators = ["U0OPS"]
offline_deciders = ["U0ADMIN"]

[defaults]
tier = "L3"
approval_ttl = "1h30m"

[limits]
max_open_requests = 7
rate_per_second = 2.5
rate_burst = 9
approval_ttl = "1d"
default_expires_after = "never"
creation_enabled = false
lineage_depth_limit = 2
weekly_spend_cap_usd = "50.00"
spend_warning_threshold_ratio = 0.5
health_check_interval = "1h"

[classes]
"notes" = "act_auto"

[[agents]]
id = "deployer"
name = "Deployer"
creator = "U0ALICE"
scopes = ["deploy"]
people = ["U0ALICE", "W0GRID"]
channels = ["C0DEPLOYS", "G0PRIVATE"]
tier = "suggest"

[agents.tiers]
"deploy.production" = "act_with_approval"
notes = "L2"

[[agents]]
id = "reader"
name = "Reader"
creator = "U0BOB"
parent = "deployer"
report_spend = true
weekly_spend_cap_usd = "none"

[[tools]]
name = "deploy.production"
title = "Deploy to production"
action_class = "deploy"
capability = "deploy.production"
scopes = ["deploy"]
risk = "high_write"
approval_mode = "requires_approval"
tier = "L3"
reviewers = ["U0BOB", "S0ONCALL"]
quorum = 2
creator_may_approve = false
ttl = "7d"
consequence = "Replaces {{ service }} with {{ version }}"
secret_fields = ["token", "/nested/pin"]
input_schema = { type = "object", required = ["service"], properties = { service = { type = "string" } } }
connector = { kind = "http", url = "https://deploy.example/run", secret_env = "DEPLOY_SECRET", \
idempotent = true, timeout = "30s", attempts = 5, allow_private = true }

[[tools]]
name = "notes.write"
title = "Write a note"
action_class = "notes"
capability = "notes"
consequence = "Writes a note"
[tools.connector]
kind = "http"
url = "http://127.0.0.1:9/notes"
"""

ENVIRONMENT = {"DEPLOY_SECRET": "whsec_QUJD"}


def load(folder, text=WHOLE, environment=ENVIRONMENT):
    """Load a policy text from a file named countersign.toml."""
    path = folder / "countersign.toml"
    path.write_text(text)
    return load_policy(path, environment)


def changed(*pairs, text=WHOLE):
    """The whole file with the first occurrence of each old text replaced by the new one."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(text, part):
    """The number of the first line that holds a part."""
    return next(number for number, line in enumerate(text.split("\n"), 1) if part in line)

"""A mistake in countersign.toml names file, line, key and remedy."""

import pytest

from bot.policy import PolicyProblem, PolicySource
from tests.unit.policy_files import ENVIRONMENT, WHOLE, changed, line_of, load

NO_KEY = "no such key here; remove it or mend its spelling"
NOT_SO = "is not written as it should be"

#: What is replaced in the file, by what, the key that is then wrong, and words of the remedy.
MISTAKES = [
    ("[roles]", "[rolls]", "rolls", NO_KEY),
    ("quorum = 2", "quorom = 2", "tools.0.quorom", NO_KEY),
    ("attempts = 5", "atempts = 5", "tools.0.connector.atempts", NO_KEY),
    ("quorum = 2", 'quorum = "2"', "tools.0.quorum", "should be a valid integer (it says '2')"),
    ('name = "Deployer"', "name = 1", "agents.0.name", "should be a valid string (it says 1)"),
    ('admins = ["U0ADMIN"]', 'admins = "U0ADMIN"', "roles.admins", "should be a valid array"),
    ("idempotent = true", 'idempotent = "yes"', "tools.0.connector.idempotent", "should be a valid boolean"),
    ("quorum = 2", "quorum = 0", "tools.0.quorum", "should be greater than or equal to 1 (it says 0)"),
    ('tier = "suggest"', 'tier = "L4"', "agents.0.tier", "'act_with_approval', 'act_and_notify' or 'act_auto'"),
    ('notes = "L2"', 'notes = "L4"', "agents.0.tiers.notes", "or 'act_auto' (it says 'L4')"),
    ('"high_write"', '"huge"', "tools.0.risk", "should be 'read_only', 'low_write', 'high_write' or"),
    ('ttl = "7d"', 'ttl = "7"', "tools.0.ttl", "write a duration such as 30s, 15m, 48h or 7d"),
    ('"U0BOB"\n', '"@bob"\n', "agents.1.creator", NOT_SO),
    ('"C0APPROVALS"', '"#approvals"', "slack.approvals_channel", NOT_SO),
    ('"Deployer"', '" "', "agents.0.name", NOT_SO),
    ("http://127.0.0.1:9/notes", "ftp://notes", "tools.1.connector.url", NOT_SO),
    ('kind = "http"\n', 'kind = "shell"\n', "tools.1.connector.kind", "no such kind of connector"),
    ('id = "reader"', 'id = "deployer" # twin', "agents.1.id", "stands twice; give each its own"),
    ('"notes.write"', '"deploy.production" # twin', "tools.1.name", "stands twice; give each its own"),
    ('notes = "L2"', 'nodes = "L2"', "agents.0.tiers.nodes", "'nodes' is neither a tool nor an action class"),
    ('"notes" =', '"nodes" =', "classes.nodes", "no tool has the action class 'nodes'"),
    ('"notes" =', '"notes.write" =', "classes.notes.write", "no tool has the action class"),
    ('"50.00"', "50.00", "limits.weekly_spend_cap_usd", 'in dollars as text, such as "50.00", or "none"'),
    ('"50.00"', '"-1"', "limits.weekly_spend_cap_usd", "an amount cannot be negative (it says '-1')"),
    ('"50.00"', '"0.0000001"', "limits.weekly_spend_cap_usd", "at most six decimals"),
    ('cap_usd = "none"', 'cap_usd = "NaN"', "agents.1.weekly_spend_cap_usd", "write an amount in dollars"),
    ("ratio = 0.5", "ratio = 1.5", "limits.spend_warning_threshold_ratio", "less than or equal to 1"),
    ('"never"', '"0d"', "limits.default_expires_after", "write a duration above zero"),
    ("depth_limit = 2", "depth_limit = -1", "limits.lineage_depth_limit", "greater than or equal to 0"),
    ('parent = "deployer"', 'parent = "deploier"', "agents.1.parent", "there is no agent 'deploier' here"),
    ('parent = "deployer"', 'parent = "reader"', "agents.1.parent", "below itself (reader below reader)"),
    ("{{ service }}", "{{ service", "tools.0.consequence", "the template is wrong"),
    ("{{ service }}", "{{ service | nope }}", "tools.0.consequence", "No filter named 'nope'"),
    ('{ type = "string" }', '{ type = "strnig" }', "tools.0.input_schema", "'strnig' is not valid"),
    ('{ type = "string" }', "{ maximum = 9223372036854775807 }", "tools.0.input_schema", "within ±(2^53-1)"),
    ('{ type = "string" }', '{ "$ref" = "https://a.example" }', "tools.0.input_schema", "under $defs"),
    ('{ type = "string" }', "{ pattern = '^(?!a)b' }", "tools.0.input_schema", "'^(?!a)b' is no RE2 expression"),
]


def told_about(folder, text, environment=ENVIRONMENT):
    """What loading a text complains about: the line and the rest of every sentence."""
    with pytest.raises(PolicyProblem) as caught:
        load(folder, text, environment)
    found = [sentence.split(":", 2) for sentence in str(caught.value).split("\n")]
    assert {path for path, _, _ in found} == {str(folder / "countersign.toml")}
    return [(int(line), rest.strip()) for _, line, rest in found]


@pytest.mark.parametrize(("old", "new", "key", "remedy"), MISTAKES)
def test_a_mistake_names_file_line_key_and_remedy(tmp_path, old, new, key, remedy):
    """closes autonomy-and-trust 7; l1-l2-l3-enforcement 12"""
    text = changed((old, new))
    ((line, told),) = told_about(tmp_path, text)
    assert line == line_of(text, new.strip())
    assert told.startswith(f"{key}: ")
    assert remedy in told


def test_a_lineage_that_bites_its_tail_is_shown_whole(tmp_path):
    text = changed(('creator = "U0ALICE"', 'creator = "U0ALICE"\nparent = "reader"'))
    ((line, told),) = told_about(tmp_path, text)
    assert line == line_of(text, 'parent = "reader"')
    assert told.startswith("agents.0.parent: an agent cannot stand below itself (deployer below reader below deployer)")


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('id = "reader"\nname = "Reader"', 'id = "reader"', 'id = "reader"', "agents.1.name"),
        ('[slack]\napprovals_channel = "C0APPROVALS"\n', "", "", "slack"),
    ],
)
def test_a_missing_key_is_named_where_its_table_begins(tmp_path, old, new, line, key):
    text = changed((old, new))
    begins = line_of(text, line) - 1 if line else 1
    assert told_about(tmp_path, text) == [(begins, f"{key}: is required; add it")]


def with_panel(reviewers, quorum, creator_may_approve):
    return changed(
        ('["U0BOB", "S0ONCALL"]', reviewers),
        ("quorum = 2", f"quorum = {quorum}"),
        ("creator_may_approve = false", f"creator_may_approve = {creator_may_approve}"),
    )


@pytest.mark.parametrize(
    ("reviewers", "quorum", "creator_may_approve", "able"),
    [('["U0BOB", "U0BOB"]', 2, "true", 1), ("[]", 3, "true", 2), ("[]", 2, "false", 1)],
)
def test_a_quorum_that_nobody_could_reach_is_a_mistake(tmp_path, reviewers, quorum, creator_may_approve, able):
    """closes autonomy-and-trust 7, 10; approval-api 6"""
    text = with_panel(reviewers, quorum, creator_may_approve)
    remedy = f"tools.0.quorum: {quorum} people must agree but only {able} may; add reviewers"
    assert told_about(tmp_path, text) == [(line_of(text, "quorum"), remedy)]


@pytest.mark.parametrize(
    ("reviewers", "quorum", "creator_may_approve"),
    [
        ('["U0BOB", "U0CAROL"]', 2, "false"),
        ('["U0BOB", "S0ONCALL"]', 20, "false"),
        ("[]", 2, "true"),
        ("[]", 1, "false"),
    ],
)
def test_a_quorum_that_can_be_reached_is_none(tmp_path, reviewers, quorum, creator_may_approve):
    policy = load(tmp_path, with_panel(reviewers, quorum, creator_may_approve))
    assert policy.tools["deploy.production"].quorum == quorum


def test_a_tool_that_nobody_may_approve_is_a_mistake(tmp_path):
    text = changed(('admins = ["U0ADMIN"]\n', ""), ('["U0BOB", "S0ONCALL"]', "[]"))
    remedy = "tools.0.reviewers: nobody may approve: name reviewers here or admins under [roles]"
    assert told_about(tmp_path, text) == [(line_of(text, "reviewers"), remedy)]


@pytest.mark.parametrize(
    ("text", "where"),
    [("[slack\n", "line 1"), (WHOLE + "x = \n", f"line {WHOLE.count(chr(10)) + 1}"), ("a = 1\na = 2\n", "line 2")],
)
def test_broken_toml_names_file_and_line(tmp_path, text, where):
    with pytest.raises(PolicyProblem, match=rf"countersign\.toml: not valid TOML: .*{where}"):
        load(tmp_path, text)


def test_bytes_that_are_no_text_are_no_toml(tmp_path):
    (tmp_path / "countersign.toml").write_bytes(b"\xff")
    with pytest.raises(PolicyProblem, match="not valid TOML"):
        PolicySource(tmp_path / "countersign.toml", {})


def test_a_missing_file_names_the_setting(tmp_path):
    with pytest.raises(PolicyProblem, match=r"nowhere\.toml: No such file or directory; set COUNTERSIGN_CONFIG"):
        PolicySource(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize("environment", [{}, {"DEPLOY_SECRET": ""}])
def test_a_secret_that_the_environment_lacks_is_a_mistake(tmp_path, environment):
    remedy = "tools.0.connector.secret_env: the environment has no DEPLOY_SECRET; set it"
    assert told_about(tmp_path, WHOLE, environment) == [(line_of(WHOLE, "secret_env"), remedy)]


def test_every_mistake_of_the_shape_is_told_at_once(tmp_path):
    text = changed(("quorum = 2", "quorum = 0"), ('tier = "L3"', 'tier = "L9"'), ('"7d"', '"7"'))
    lines = [line for line, _ in told_about(tmp_path, text)]
    assert lines == [line_of(text, part) for part in ('"L9"', "quorum = 0", '"7"')]

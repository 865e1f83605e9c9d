"""What the shipped packs of tools never let through, whoever would approve it."""

import pytest

from governance.gates import judge
from governance.tiers import Tier
from governance.verdict import Call, Outcome
from tests.unit.policy_files import load

POLICY = """include = ["builtin:{pack}"]
[slack]
approvals_channel = "C0APPROVALS"
[roles]
admins = ["U0ADMIN"]
[[agents]]
id = "a"
name = "A"
creator = "U0ALICE"
"""


@pytest.mark.parametrize(("pack", "name"), [("assistant", "delete_files"), ("agent-runtime", "delete_file")])
@pytest.mark.parametrize(
    "arguments",
    [{}, *({"path": one} for one in ("", ".", "..", "/", "./", "../..", " ", "\\", "a/..", "a\n/../b", "..\\b", 5))],
)
def test_nothing_is_deleted_by_a_path_that_names_nothing_in_particular(tmp_path, pack, name, arguments):
    """closes l1-l2-l3-enforcement 3"""
    policy = load(tmp_path, POLICY.format(pack=pack), {})
    verdict = judge(policy, policy.agents["a"], Call(name, arguments))
    assert (verdict.outcome, {one.field for one in verdict.problems}) == (Outcome.NEEDS_INPUT, {"/path"})
    for path in ("notes/old.txt", "/srv/..old/x", "./a b", ".env", "日記"):
        assert judge(policy, policy.agents["a"], Call(name, {"path": path})).tier is Tier.ACT_WITH_APPROVAL

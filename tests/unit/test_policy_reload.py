"""Reading the policy again: a good file takes over, a broken one leaves the old policy in force."""

import pytest

from bot.policy import PolicyProblem, PolicySource
from tests.unit.policy_files import ENVIRONMENT, changed, load


def test_a_reload_takes_the_new_file(tmp_path):
    load(tmp_path)
    source = PolicySource(tmp_path / "countersign.toml", ENVIRONMENT)
    before = source.current
    (tmp_path / "countersign.toml").write_text(changed(("quorum = 2", "quorum = 3")))
    assert source.reload() is source.current is not before
    assert source.current.tools["deploy.production"].quorum == 3


@pytest.mark.parametrize("broken", ["[slack", changed(("quorum = 2", "quorum = 0")), changed(('"U0ALICE"', '"x"'))])
def test_a_broken_reload_keeps_the_old_policy_in_force(tmp_path, broken):
    """closes approval-api 9"""
    load(tmp_path)
    source = PolicySource(tmp_path / "countersign.toml", ENVIRONMENT)
    before = source.current
    (tmp_path / "countersign.toml").write_text(broken)
    with pytest.raises(PolicyProblem):
        source.reload()
    assert source.current is before

"""People are written in one way, so that nobody is two reviewers and no two people are one."""

import pytest

from bot.policy import PolicyProblem
from tests.unit.policy_files import changed, load


@pytest.mark.parametrize(
    "person", ["u0bob", "U0bob", " U0BOB", "U0BOB ", "U0BOB\\n", "<@U0BOB>", "@bob", "bob", "", "Ü0BOB"]
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reviewers = ["U0BOB", "S0ONCALL"]', 'reviewers = ["{}", "U0BOB", "S0ONCALL"]'),
        ('admins = ["U0ADMIN"]', 'admins = ["U0ADMIN", "{}"]'),
        ('people = ["U0ALICE", "W0GRID"]', 'people = ["U0ALICE", "{}"]'),
        ('creator = "U0ALICE"', 'creator = "{}"'),
    ],
    ids=["reviewers", "admins", "people", "creator"],
)
def test_another_spelling_of_a_person_is_a_mistake(tmp_path, person, old, new):
    """closes autonomy-and-trust 10"""
    with pytest.raises(PolicyProblem, match="is not written as it should be"):
        load(tmp_path, changed((old, new.format(person))))


def test_a_reviewer_named_twice_is_one_reviewer(tmp_path):
    """closes autonomy-and-trust 10"""
    text = changed(('reviewers = ["U0BOB", "S0ONCALL"]', 'reviewers = ["U0BOB", "U0BOB", "U0CAROL"]'))
    assert load(tmp_path, text).tools["deploy.production"].quorum == 2
    with pytest.raises(PolicyProblem, match="2 people must agree but only 1 may"):
        load(tmp_path, text.replace('"U0CAROL"', '"U0BOB"'))

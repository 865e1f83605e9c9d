"""Which words are a decision: few, plain ones; everything else is conversation."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import Forbidden
from governance.replies import Meaning, Meant, Way, check_way, read_reaction, read_reply
from governance.tiers import Risk
from tests.integration.verbs import policy_from
from tests.policies import tool

BOT = "U0BOT"
APPROVE, REJECT, QUALIFIED = Meaning.APPROVE, Meaning.REJECT, Meaning.QUALIFIED


@pytest.mark.parametrize(
    "words",
    ["approve", "Approve", "APPROVED", "approve!", " approved. ", "<@U0BOT> approve", "<@U0BOT|countersign>: approve",
     "*approve*", "`approve`", "approve :+1:", ":white_check_mark: approved", "approve :+1::skin-tone-3:",
     "approve it", "approve this."],
)  # fmt: skip
def test_a_plain_word_approves(words):
    assert read_reply(words, BOT) == Meant(APPROVE)


@pytest.mark.parametrize(
    "words",
    ["approve, but only staging", "approved - if Carol agrees", "approve\nafter lunch", "approve :x:", "approve :eyes:",
     "approve for staging", "approve once the tests pass", "approve\u200b", "approve…", "approve. No, wait",
     "approve" + " " * 200 + "but not yet"],
)  # fmt: skip
def test_an_approval_with_conditions_is_none(words):
    assert read_reply(words, BOT) == Meant(QUALIFIED)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("reject because it is late", "it is late"),
        ("Rejected: it is late", "it is late"),
        ("reject, it is late", "it is late"),
        ("deny it is late", "it is late"),
        ("Denied — it is late", "it is late"),
        ("reject this because it is late", "it is late"),
        ("<@U0BOT> reject: because it is late :x:", "it is late"),
        ("reject because a &lt; b &amp;&amp; c", "a < b && c"),
        ("reject because line one\nline two", "line one\nline two"),
        ("reject", None),
        ("denied.", None),
        ("reject because", None),
        ("reject it", None),
        ("reject because \u200b\u2060 …", None),
    ],
)
def test_a_rejection_carries_its_reason(words, reason):
    assert read_reply(words, BOT) == Meant(REJECT, reason)


@pytest.mark.parametrize(
    "words",
    ["", "yes", "ok", "lgtm", "no because I say so", "approve?", "approve what?", "approval", "approved by Bob",
     "I approve", "do not approve", "disapprove", "please approve", "unapproved", "reject?", "rejection",
     "denied access",
     "<@U0CAROL> approve", "&gt; approve", "~approve~", "аpprove", "app\u200brove", "\u200bapprove", "ａｐｐｒｏｖｅ",
     "approve\u0301", "𝐚𝐩𝐩𝐫𝐨𝐯𝐞", "evorppa\u202e", ":white_check_mark:", "✅",
     "deny\u0131ng it", "re\u00adject because x"],
)  # fmt: skip
def test_everything_else_is_conversation(words):
    found = read_reply(words, BOT)
    assert found is None or found.meaning is QUALIFIED
    if "\u0301" not in words:
        assert found is None


VERBS = re.compile(r"\b(approved?|reject(ed)?|deny|denied)\b", re.I | re.A)


@given(st.text(max_size=60))
def test_no_text_without_the_words_decides(words):
    if not VERBS.search(words):
        assert read_reply(words, BOT) is None


PARTS = st.sampled_from(
    ["approve", "approved", "APPROVE", "reject", "deny", "because", "it", "not", "don't", " ", "\n", ",", ":", "!", "?",
     ":x:", ":+1:", "<@U0BOT>", "<@U0CAROL>", "*", "`", "\u200b", "&gt;", "а", "why", "é"],
)  # fmt: skip


@given(st.lists(PARTS, max_size=8).map("".join))
def test_what_approves_holds_nothing_but_the_word_and_ornaments(words):
    found = read_reply(words, BOT)
    if found == Meant(APPROVE):
        plain = re.sub(r"<@U0BOT>[\s,:]*|:\+1:|[*`!.\s]|it", "", words, flags=re.I)
        assert plain.lower() in ("approve", "approved")


@given(st.text(alphabet="approveject :@U0BT<>x\n`*", max_size=400).map(lambda some: some * 100))
def test_long_texts_are_read_without_trouble(words):
    read_reply(words, BOT)


def test_a_long_reason_is_cut():
    found = read_reply("reject because " + "x" * 39_000, BOT)
    assert found is not None
    assert len(found.reason or "") <= 2000


@pytest.mark.parametrize(
    ("emoji", "meant"),
    [("white_check_mark", Meant(APPROVE)), ("x", Meant(REJECT)), ("+1", None), ("heavy_check_mark", None), ("", None)],
)
def test_two_reactions_mean_something(emoji, meant):
    assert read_reaction(emoji) == meant


SLACK = "decide_by_reply = true\ndecide_by_reaction = true"
RISKS = {"read": "read_only", "low": "low_write", "high": "high_write", "bad": "destructive"}
TOOLS = "".join(tool(f"{name}.it", action_class=name, risk=risk) for name, risk in RISKS.items())
STRICT = tool("low.strict", action_class="low", risk="low_write", more="buttons_only = true")


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    ("name", "stored", "counts"),
    [
        ("read.it", "read_only", True),
        ("low.it", "low_write", True),
        ("low.it", "high_write", False),  # what it was when people were asked
        ("low.it", None, False),
        ("high.it", "high_write", False),
        ("high.it", "low_write", False),  # what it is now
        ("bad.it", "destructive", False),
        ("low.strict", "low_write", False),
        ("gone.it", "low_write", False),
        ("countersign.set_tier", "low_write", False),
    ],
)
def test_only_low_risks_are_decided_in_words(tmp_path, way, name, stored, counts):
    policy = policy_from(tmp_path, slack=SLACK, extra=TOOLS + STRICT)
    if counts:
        check_way(policy, name, stored, way)
    else:
        with pytest.raises(Forbidden, match="with its buttons only"):
            check_way(policy, name, stored, way)


@pytest.mark.parametrize(
    ("slack", "ways"),
    [("", set()), ("decide_by_reply = true", {Way.REPLY}), ("decide_by_reaction = true", {Way.REACTION})],
)
def test_each_way_is_off_until_the_policy_says_so(tmp_path, slack, ways):
    policy = policy_from(tmp_path, slack=slack, extra=TOOLS)
    for way in Way:
        if way in ways:
            check_way(policy, "low.it", Risk.LOW_WRITE, way)
        else:
            with pytest.raises(Forbidden):
                check_way(policy, "low.it", Risk.LOW_WRITE, way)

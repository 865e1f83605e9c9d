"""Which blocks are tried: the newest first, the older ones once Slack refused those, and the newest again later."""

from bot.cards.message import Message
from bot.delivery.variants import Variants

TABLE = [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}]
LINES = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]
RICH, SIMPLE = Message("x", TABLE, LINES), Message("x", LINES)


class Watch:
    """Time that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


def test_the_newest_blocks_come_first_and_text_alone_last():
    assert Variants().of(RICH) == [TABLE, LINES, []]
    assert Variants().of(SIMPLE) == [LINES, []]


def test_what_slack_refused_is_not_tried_again_until_a_while_has_passed():
    watch = Watch()
    variants = Variants(watch)
    variants.learn(RICH, LINES)
    assert variants.of(RICH) == [LINES, []]
    assert variants.of(Message("y", [*TABLE, *LINES], LINES)) == [LINES, []]
    assert variants.of(SIMPLE) == [LINES, []]
    watch.now += 3599
    variants.learn(RICH, LINES)  # taken as before: that says nothing new about tables
    watch.now += 2
    assert variants.of(RICH) == [TABLE, LINES, []]


def test_nothing_is_learnt_from_what_slack_took_at_once():
    variants = Variants()
    variants.learn(RICH, TABLE)
    variants.learn(SIMPLE, LINES)
    assert variants.of(RICH) == [TABLE, LINES, []]

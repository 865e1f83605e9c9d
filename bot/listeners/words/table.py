"""Every word of `/approvals`. The other commands have their words in families.py."""

from bot.ids import Command
from bot.listeners.words import governing, listing
from bot.listeners.words.family import HELP, Family
from bot.listeners.words.spoken import Word

WORDS: dict[str, Word] = {
    "mine": Word(listing.mine, "what waits for you", ("mine", "mine agent:{agent}")),
    "pending": Word(
        listing.pending, "what waits for anybody; narrow it by agent:, tool:, risk:, older:",
        ("pending agent:{agent} older:2h", "pending tool:{tool}"),
    ),
    "show": Word(listing.show, "one request in short", ("show apr_…", "show prp_…")),
    "search": Word(
        listing.search, "past and open requests by their words", ("search {tool}", "search checkout status:rejected"),
    ),
    "who": Word(
        governing.who_can_approve, "who could answer a call, before it happens",
        ("who {tool} {agent}", "who {tool} {agent} 2026-12-27T03:00"),
    ),
    "batch": Word(None, "approve several calls of low risk at once", ("batch", "bulk")),
    "rules": Word(governing.rules, "what is remembered", ("rules", "rules {agent}")),
    "revoke": Word(governing.revoke, "end a rule", ("revoke rul_…", "revoke rul_…")),
    "pause": Word(
        governing.pause, "stop an agent at once", ("pause {agent} because it loops", "pause {agent} because it loops"),
    ),
    "resume": Word(
        governing.resume, "let it go on", ("resume {agent} because it is mended", "resume {agent} because we looked"),
    ),
    "tier": Word(
        governing.tier, "say how much an agent may do by itself",
        ("tier {agent} L3 because we want to look", "tier {agent} L2 for {tool} because it does well"),
    ),
}  # fmt: skip
#: Lists can be shared, and turned page by page: asking again changes nothing.
LISTS = frozenset({"mine", "pending", "search", "rules"})
BATCH = "batch"
SYNONYMS = {
    **dict.fromkeys(("", "my", "me", "queue", "inbox", "waiting", "todo"), "mine"),
    **dict.fromkeys(("list", "all", "open", "everything"), "pending"),
    **dict.fromkeys(("find", "history", "past", "grep", "look"), "search"),
    **dict.fromkeys(("details", "view", "get", "status", "info"), "show"),
    **dict.fromkeys(("approve", "reject", "deny", "decide"), "show"),  # deciding is done on the card, which this links
    **dict.fromkeys(("bulk", "several"), BATCH),
    **dict.fromkeys(("rule", "remembered"), "rules"),
    **dict.fromkeys(("stop", "halt", "suspend"), "pause"),
    **dict.fromkeys(("unpause", "continue", "start"), "resume"),
    **dict.fromkeys(("usage", "commands", "words", "h"), HELP),
}


APPROVALS = Family(
    Command.APPROVALS, WORDS, SYNONYMS, LISTS, ("pending", "pause"),
    "`/approvals help tier` explains one word. Decide on the card itself; everything else is under *Details*.",
)  # fmt: skip
word_named, speak = APPROVALS.word_named, APPROVALS.speak

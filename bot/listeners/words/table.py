"""Every word of `/approvals`, and the one way from a word to its answer."""

from bot.listeners.words import governing, helping, listing
from bot.listeners.words.paging import only
from bot.listeners.words.parsing import meant, near, understand
from bot.listeners.words.spoken import Reply, Spoken, Word
from governance.errors import NotFound

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
BATCH, HELP = "batch", "help"
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


def word_named(typed: str) -> str | None:
    """Return the word that was meant, HELP included, or None."""
    return meant(typed, (*WORDS, HELP), SYNONYMS)


async def speak(spoken: Spoken, typed: str) -> Reply:
    """Answer a word with the rest that was spoken. Raises the Refusal of whatever it asks for."""
    name = word_named(typed)
    if name is None:
        return only(helping.unknown(typed, near(typed, (*WORDS, HELP), SYNONYMS)))
    found = WORDS.get(name)
    if found is None:
        return _help(spoken, spoken.rest)
    if found.speak is None:
        raise NotFound(f"`/approvals {name}` opens a form; type it as a command.")
    done = await found.speak(spoken)
    return done if isinstance(done, Reply) else only(done)


def _help(spoken: Spoken, rest: str) -> Reply:
    policy, about = spoken.office.policy.current, word_named(understand(rest).word) if rest else None
    if about is None or about not in WORDS:
        return helping.overview(WORDS, policy)
    return helping.about(about, WORDS[about], policy)

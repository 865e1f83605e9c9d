"""The words of `/grants`, `/spend` and `/automations`, and which command a list's button belongs to."""

from bot.ids import Command
from bot.listeners.words import automations, grants, spend
from bot.listeners.words.family import HELP, Family
from bot.listeners.words.spoken import Word
from bot.listeners.words.table import APPROVALS
from governance.errors import NotFound

_HELP = dict.fromkeys(("usage", "commands", "words", "h"), HELP)
GIVE = "give"

GRANTS = Family(
    Command.GRANTS,
    {
        "list": Word(grants.everybody_s, "the rights in force; `all` for those that ended, too",
                     ("list", "list {agent}")),
        "mine": Word(grants.mine, "those of your agents, and those you gave", ("mine", "mine share")),
        "give": Word(grants.give, "let an agent do more for a time; alone it opens a form",
                     ("give {agent} {capability} for 8h because the release needs it",
                      "give {agent} aut_… for 2 days because it mends it")),
        "revoke": Word(grants.revoke, "take a right back at once",
                       ("revoke grt_… because it is done", "revoke grt_…")),
        "why": Word(grants.why, "what an agent holds, who gave it and why", ("why {agent}", "{agent}")),
    },
    {
        **dict.fromkeys(("", "all", "ls", "show", "open", "everything", "who"), "list"),
        **dict.fromkeys(("my", "me"), "mine"),
        **dict.fromkeys(("grant", "allow", "add", "new", "create", "let"), "give"),
        **dict.fromkeys(("ungrant", "remove", "end", "delete", "rm", "withdraw"), "revoke"),
        **dict.fromkeys(("explain", "reason", "reasons", "of"), "why"),
        **_HELP,
    },
    frozenset({"list", "mine", "why"}), ("give", "why"),
    "`/grants help give` explains one word. Rights to change an automation are given by admins; capabilities are "
    "countersigned by somebody else.", of_agent="why",
)  # fmt: skip

SPEND = Family(
    Command.SPEND,
    {
        "list": Word(spend.everybody_s, "what every agent costs this week, of its cap", ("list", "list share")),
        "show": Word(spend.show, "one agent: today, this week, this month, ever", ("show {agent}", "{agent}")),
        "cap": Word(spend.cap, "change the weekly cap of one agent or of all; for admins",
                    ("cap {agent} 75", "cap 50")),
        "override": Word(spend.override, "ask to let a stopped agent go on",
                         ("override {agent} 24h because the release must go out",
                          "override {agent} because it is nearly done")),
    },
    {
        **dict.fromkeys(("", "all", "ls", "table", "costs", "cost", "everything", "mine"), "list"),
        **dict.fromkeys(("of", "agent", "details", "view", "why"), "show"),
        **dict.fromkeys(("limit", "limits", "budget", "raise", "lower", "caps"), "cap"),
        **dict.fromkeys(("lift", "unstop", "resume", "continue"), "override"),
        **_HELP,
    },
    frozenset({"list"}), ("cap", "override"),
    "`/spend help cap` explains one word. Amounts are US dollars; `none` means no cap, `reset` what countersign.toml "
    "says. To stop an agent at once: `/approvals pause`.", of_agent="show",
)  # fmt: skip

AUTOMATIONS = Family(
    Command.AUTOMATIONS,
    {
        "mine": Word(automations.mine, "the automations you owe reviews of", ("mine", "mine share")),
        "list": Word(automations.everybody_s, "all of them; narrow it by agent:, status: or `owed`",
                     ("list agent:{agent}", "list status:paused owed")),
        "show": Word(automations.show, "one: how it stands, what ran, what was noticed",
                     ("show aut_…", "show nightly")),
        "review": Word(automations.review, "the question that is owed an answer", ("review aut_…", "review nightly")),
        "extend": Word(automations.extend, "let it go on longer",
                       ("extend aut_… for 30 days because we need it", "extend nightly until 2026-12-24")),
        "retire": Word(automations.retire, "end it; it can be extended again",
                       ("retire aut_… because nobody reads it", "retire nightly")),
        "restore": Word(automations.restore, "bring back what was deleted, within a week; for admins",
                        ("restore aut_…", "restore aut_…")),
        "pause": Word(automations.pause, "stop it with its runs", ("pause nightly because it loops", "pause aut_…")),
        "resume": Word(automations.resume, "let it go on", ("resume nightly", "resume aut_…")),
    },
    {
        **dict.fromkeys(("", "my", "me", "own"), "mine"),
        **dict.fromkeys(("all", "ls", "everything", "find", "search"), "list"),
        **dict.fromkeys(("details", "view", "get", "status", "info"), "show"),
        **dict.fromkeys(("check", "acknowledge", "ack", "owed", "reviews"), "review"),
        **dict.fromkeys(("renew", "prolong", "keep"), "extend"),
        **dict.fromkeys(("end", "finish", "kill"), "retire"),
        **dict.fromkeys(("undelete", "recover"), "restore"),
        **dict.fromkeys(("stop", "halt", "suspend"), "pause"),
        **dict.fromkeys(("unpause", "continue", "start", "run"), "resume"),
        **_HELP,
    },
    frozenset({"mine", "list"}), ("show", "extend"),
    "`/automations help extend` explains one word. Where a name has spaces, type it as it is, or the id.",
    of_agent="list",
)  # fmt: skip

FAMILIES = (APPROVALS, GRANTS, SPEND, AUTOMATIONS)


def family_of(command: str) -> Family:
    """Return the words of a command."""
    return next(one for one in FAMILIES if one.command == command)


def list_called(carried: str) -> tuple[Family, str]:
    """Return the command and the word of a list from what its buttons carry. Raises NotFound for what is no list."""
    command, _, word = carried.rpartition(" ")
    family = next((one for one in FAMILIES if one.command == (command or Command.APPROVALS)), None)
    if family is None or word not in family.lists:
        raise NotFound("This button belongs to no list here; run the command again.")
    return family, word

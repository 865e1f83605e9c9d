"""Help that teaches: what each word does, with examples that name this workspace's own agents and tools."""

from collections.abc import Mapping

from bot.cards.blocks import mrkdwn
from bot.cards.lists import sentence
from bot.ids import Command
from bot.listeners.words.spoken import Reply, Word
from governance.policy import Policy
from governance.text import cut, one_line

_MORE = "`/approvals help tier` explains one word. Decide on the card itself; everything else is under *Details*."
_INSTEAD = {
    Command.GRANTS: "Grants are not in this version of Countersign yet; ask for the action itself and approve it. "
    "Rules answer calls ahead: *Approve and remember* in a card's menu makes one, `/approvals rules` lists them.",
    Command.SPEND: "Spend limits are not in this version of Countersign yet; no agent's spend is counted or stopped. "
    "`/approvals pause {agent} because …` stops an agent at once, whatever it costs.",
    Command.AUTOMATIONS: "Automations are not in this version of Countersign yet; agents propose single calls. "
    "`/approvals pending agent:{agent}` lists those that wait.",
}


def overview(words: Mapping[str, Word], policy: Policy) -> Reply:
    """Explain every word in a line, with two examples."""
    lines = [f"• `{name}` {word.does}" for name, word in words.items()]
    named = _named(policy)
    examples = (f"`/approvals {words[name].examples[0].format(**named)}`" for name in ("pending", "pause"))
    return Reply(sentence("\n".join(["*/approvals* and a word:", *lines, f"Such as {' or '.join(examples)}", _MORE])))


def about(name: str, word: Word, policy: Policy) -> Reply:
    """Explain one word with its examples."""
    examples = [f"`/approvals {one.format(**_named(policy))}`" for one in word.examples]
    return Reply(sentence(f"*{name}* {word.does}\n{' or '.join(examples)}"))


def unknown(typed: str, near: str | None) -> str:
    """Say that a word is not known, and which one may have been meant."""
    maybe = f" Did you mean `{near}`?" if near else ""
    return f"I do not know `{_quoted(typed)}`.{maybe} `/approvals help` lists the words."


def _quoted(typed: str) -> str:
    return mrkdwn(cut(one_line(typed), 40).replace("`", ""))


def instead(command: Command, typed: str, policy: Policy) -> Reply:
    """Say that a command is for later, and what to do today."""
    said = _INSTEAD[command].format(**_named(policy))
    if not typed or typed in _ASKING:
        return Reply(sentence(said))
    return Reply(sentence(f"I do not know `{_quoted(typed)}`. {said}"))


_ASKING = frozenset({"help", "list", "mine", "show", "pending", "all"})


def _named(policy: Policy) -> dict[str, str]:
    """Return an agent and a tool of this workspace, for the examples."""
    agent = next((one.id for one in policy.agents.values() if not one.is_internal), "deployer")
    tool = next((one.name for one in policy.tools.values() if not one.is_internal), "deploy.staging")
    return {"agent": mrkdwn(agent), "tool": mrkdwn(tool)}

"""Help that teaches: what each word does, with examples that name this workspace's own agents and tools."""

from collections.abc import Mapping

from bot.cards.blocks import mrkdwn
from bot.cards.lists import sentence
from bot.ids import Command
from bot.listeners.words.spoken import Reply, Word
from governance.policy import Policy
from governance.text import cut, one_line


def overview(words: Mapping[str, Word], policy: Policy, command: Command, shown: tuple[str, str], more: str) -> Reply:
    """Explain every word in a line, with the first example of two of them, and end with `more`."""
    lines = [f"• `{name}` {word.does}" for name, word in words.items()]
    named = _named(policy)
    examples = (f"`{command} {words[name].examples[0].format(**named)}`" for name in shown)
    return Reply(sentence("\n".join([f"*{command}* and a word:", *lines, f"Such as {' or '.join(examples)}", more])))


def about(name: str, word: Word, policy: Policy, command: Command = Command.APPROVALS) -> Reply:
    """Explain one word with its examples."""
    examples = [f"`{command} {one.format(**_named(policy))}`" for one in word.examples]
    return Reply(sentence(f"*{name}* {word.does}\n{' or '.join(examples)}"))


def unknown(typed: str, near: str | None, command: Command = Command.APPROVALS) -> str:
    """Say that a word is not known, and which one may have been meant."""
    maybe = f" Did you mean `{near}`?" if near else ""
    return f"I do not know `{_quoted(typed)}`.{maybe} `{command} help` lists the words."


def _quoted(typed: str) -> str:
    return mrkdwn(cut(one_line(typed), 40).replace("`", ""))


def _named(policy: Policy) -> dict[str, str]:
    """Return an agent, a tool and a capability of this workspace, for the examples."""
    agent = next((one.id for one in policy.agents.values() if not one.is_internal), "deployer")
    tool = next((one.name for one in policy.tools.values() if not one.is_internal), "deploy.staging")
    right = next((one.capability for one in policy.tools.values() if not one.is_internal), "deploy.staging")
    return {"agent": mrkdwn(agent), "tool": mrkdwn(tool), "capability": mrkdwn(right)}

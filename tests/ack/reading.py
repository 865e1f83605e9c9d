"""What a person reads on a card, taken from the blocks that reached the workspace and from nothing else."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.workspace import Message

_TOOL = re.compile(r"\*Tool\*\n`(.+)`")
_DIGEST = re.compile(r"Digest `([0-9a-f]{12})`")
_PROPOSAL = re.compile(r"\bprp_\w+")
_ARGUMENTS = "Exact arguments"


@dataclass(frozen=True, slots=True)
class Shown:
    """The call a card shows: which, what it would do, and the first letters of the digest it is bound to."""

    proposal_id: str
    digest: str
    tool: str
    arguments: dict[str, Any]


def shown_on(card: Message) -> Shown:
    """Read a card. Fails where it does not say all of this, or shows its arguments only in part."""
    texts = list(_texts(card.blocks))
    footer = "\n".join(texts)
    (tool,) = _TOOL.findall(footer)
    (digest,) = _DIGEST.findall(footer)
    (proposal_id,) = set(_PROPOSAL.findall(footer))
    arguments = json.loads(texts[texts.index(_ARGUMENTS) + 1])
    return Shown(proposal_id, digest, html.unescape(tool), arguments)


def _texts(blocks: Any) -> Iterator[str]:
    """Every text of some blocks in reading order."""
    if isinstance(blocks, list):
        for one in blocks:
            yield from _texts(one)
    elif isinstance(blocks, dict):
        for name, value in blocks.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)

"""What one Slack message says."""

from dataclasses import dataclass

from bot.cards.blocks import Blocks

TEXT = 3500  #: characters of a message's fallback text at most


@dataclass(frozen=True, slots=True)
class Message:
    """What one Slack message says: the fallback for notifications and screen readers, and the blocks."""

    text: str
    blocks: Blocks
    plain: Blocks | None = None  #: the same in older kinds of blocks, where `blocks` has newer ones

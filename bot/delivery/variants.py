"""In which blocks a message is sent: the newest first, older ones where Slack refused those, text alone at last."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from bot.cards.blocks import Blocks
from bot.cards.message import Message

_TRY_AGAIN = 3600.0  #: seconds until a kind of block that was refused is tried again


class Variants:
    """What one workspace takes, as far as it has told this process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._refused: dict[str, float] = {}

    def of(self, said: Message) -> list[Blocks]:
        """Return the blocks to try, one after the other as long as Slack refuses them; [] is text alone."""
        rich = [] if said.plain is not None and self._is_refused(said.blocks) else [said.blocks]
        return [*rich, *([said.plain] if said.plain is not None else []), []]

    def learn(self, said: Message, taken: Blocks) -> None:
        """Remember which newer kinds of blocks were refused, where the older ones of the same message were taken."""
        if said.plain is not None and taken is said.plain and not self._is_refused(said.blocks):
            newer = set(_kinds(said.blocks)) - set(_kinds(said.plain))
            self._refused |= dict.fromkeys(newer, self._clock() + _TRY_AGAIN)

    def _is_refused(self, blocks: Blocks) -> bool:
        now = self._clock()
        return any(self._refused.get(kind, now) > now for kind in _kinds(blocks))


def _kinds(blocks: Blocks) -> Iterator[str]:
    """Yield the type of every block and of every object inside one."""
    stack: list[Any] = list(blocks)
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield str(node.get("type"))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)

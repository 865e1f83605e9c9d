"""Finding the cards of a ticket among everything that was posted, without reading it all again each time."""

import re
from collections import defaultdict
from itertools import islice

from bot.workspace import Message, Workspace
from bot.workspace import blocks as kit

_TICKET = re.compile(r"tkt-\d{5}")


class Board:
    """An index over the messages of a workspace, brought up to date when it is asked."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._seen = workspace, 0
        self._found: defaultdict[str, list[Message]] = defaultdict(list)

    def cards(self, ticket: str) -> list[Message]:
        """Return the messages about a ticket that are still there, oldest first."""
        messages = self._workspace.messages
        for message in islice(messages.values(), self._seen, len(messages)):
            for name in set(_TICKET.findall(message.text)):
                self._found[name].append(message)
        self._seen = len(messages)
        return [message for message in self._found[ticket] if not message.deleted and message.only_for is None]

    def offering(self, ticket: str, action: str) -> list[Message]:
        """Return those of them that have a certain button."""
        return [message for message in self.cards(ticket) if offers(message, action)]


def offers(message: Message, action: str) -> bool:
    """Whether a message has a button with this action_id."""
    return any(element.get("action_id") == action for _, element in kit.elements(message.all_blocks))

"""One hosted workspace and everything that acts in it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.workspace.events import Events
from bot.workspace.happenings import Happenings
from bot.workspace.interactions import Interactions
from bot.workspace.socket_mode import Sockets
from bot.workspace.state import Workspace


@dataclass(frozen=True)
class Seat:
    """One hosted workspace: its state, what people press, how events travel, what happens in it."""

    workspace: Workspace
    interactions: Interactions
    events: Events
    happenings: Happenings
    sockets: Sockets

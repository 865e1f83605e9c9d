"""Speaking to Slack: the client, what its errors mean, who people are, and how fast a channel takes messages."""

from bot.slack.client import new_client, new_session
from bot.slack.connection import PAUSE, Connection
from bot.slack.directory import CLICK_AGE, KEY_AGE, Directory, Person
from bot.slack.trouble import (
    BlocksRefused,
    ChannelClosed,
    Disconnected,
    MessageLost,
    Misconfigured,
    SlackTrouble,
    TryLater,
    calling,
)

__all__ = [
    "CLICK_AGE",
    "KEY_AGE",
    "PAUSE",
    "BlocksRefused",
    "ChannelClosed",
    "Connection",
    "Directory",
    "Disconnected",
    "MessageLost",
    "Misconfigured",
    "Person",
    "SlackTrouble",
    "TryLater",
    "calling",
    "new_client",
    "new_session",
]

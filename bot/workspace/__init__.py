"""A local Slack-compatible workspace: the demo without a Slack account, and the strict fake tests use.

Over real HTTP, so that the bot cannot tell: the Web API it calls, signed interactions, commands and events,
response URLs, Socket Mode, and a page on which people look and click. Start reading at `server.py`.
"""

from bot.workspace.cast import demo_workspace
from bot.workspace.clicks import Click, Seen
from bot.workspace.errors import SlackError
from bot.workspace.faults import Faults
from bot.workspace.model import App, Channel, File, Message, User, UserGroup, Version, View
from bot.workspace.people import STATUSES
from bot.workspace.records import Ack, Answer, ApiCall, Attempt, Notice, Unanswered
from bot.workspace.server import WorkspaceServer
from bot.workspace.state import Workspace

__all__ = [
    "STATUSES",
    "Ack",
    "Answer",
    "ApiCall",
    "App",
    "Attempt",
    "Channel",
    "Click",
    "Faults",
    "File",
    "Message",
    "Notice",
    "Seen",
    "SlackError",
    "Unanswered",
    "User",
    "UserGroup",
    "Version",
    "View",
    "Workspace",
    "WorkspaceServer",
    "demo_workspace",
]

"""A local Slack-compatible workspace: the demo without a Slack account, and the strict fake tests use.

Over real HTTP, so that the bot cannot tell: the Web API it calls, signed interactions, commands and events,
response URLs, Socket Mode, and a page on which people look and click. Start reading at `server.py`.
"""

from bot.workspace.cast import demo_workspace
from bot.workspace.errors import SlackError
from bot.workspace.model import App, Channel, Message, User, UserGroup, View
from bot.workspace.records import Ack, Answer, ApiCall, Attempt, Notice, Unanswered
from bot.workspace.server import WorkspaceServer
from bot.workspace.state import Workspace

__all__ = [
    "Ack",
    "Answer",
    "ApiCall",
    "App",
    "Attempt",
    "Channel",
    "Message",
    "Notice",
    "SlackError",
    "Unanswered",
    "User",
    "UserGroup",
    "View",
    "Workspace",
    "WorkspaceServer",
    "demo_workspace",
]

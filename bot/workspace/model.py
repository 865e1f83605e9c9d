"""What a workspace holds: people, channels, user groups, messages, views, and the app under test."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DEFAULT_SCOPES = frozenset(
    {
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "usergroups:read",
        "users:read",
    }
)
"""What the shipped manifest asks for, so that a call it does not cover fails here as it would at Slack."""

DEFAULT_EVENTS = frozenset({"app_home_opened", "app_uninstalled", "tokens_revoked"})
DEFAULT_COMMANDS = ("/approvals", "/grants", "/spend", "/automations")


@dataclass
class User:
    """A person (or the bot's own user). `role` is only a caption for the page."""

    id: str
    name: str
    role: str = ""
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    team_id: str = ""
    tz: str = "Etc/UTC"
    tz_offset: int = 0
    tz_label: str = ""
    status_text: str = ""
    status_emoji: str = ""
    status_expiration: int = 0
    """Seconds since 1970 at which the status clears itself; 0 = never."""
    presence: str = "active"
    dnd_until: int = 0
    """Seconds since 1970 until which notifications are paused; 0 = they are not."""

    @property
    def is_guest(self) -> bool:
        """True for both kinds of guest: people who see only the channels they were put in."""
        return self.is_restricted or self.is_ultra_restricted


@dataclass
class Channel:
    """A conversation. A direct message has `is_im` set and `user` naming the person at the other end."""

    id: str
    name: str = ""
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    is_im: bool = False
    user: str = ""
    topic: str = ""


@dataclass
class UserGroup:
    """A user group (`S…`); mentioning it pings every member."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)


@dataclass(eq=False)
class File:
    """An uploaded file. `data` is None until the bytes came; `shared` lists (channel, message ts)."""

    id: str
    name: str
    size: int
    user: str
    created: int
    title: str = ""
    mimetype: str = "application/octet-stream"
    data: bytes | None = None
    shared: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True)
class Version:
    """What a message said from `at` on (the workspace's seconds, and `seen`, real monotonic seconds).

    `digest` is the SHA-256 of its text, blocks (without block ids), attachments and files; `deleted` for a message
    that went away.
    """

    at: float
    seen: float
    digest: str


@dataclass(eq=False)
class Message:
    """One message as it stands now; `past` keeps the blocks of every earlier revision, oldest first.

    `pings` lists the audiences the text reaches (`channel`, `here`, `everyone`, a group id), `mentions` the
    people it names, `unfurls` the links Slack would preview (none with `quiet_links`). `only_for` marks an
    ephemeral message. `history` has one entry for every change of what is said, oldest first.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    from_app: bool = False
    metadata: Json | None = None
    edited: str | None = None
    only_for: str | None = None
    quiet_links: bool = False
    deleted: bool = False
    pings: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    unfurls: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    past: list[list[Json]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    history: list[Version] = field(default_factory=list)

    @property
    def all_blocks(self) -> list[Json]:
        """The message's own blocks, then those inside its attachments."""
        return [*self.blocks, *(b for one in self.attachments for b in one.get("blocks") or [])]

    @property
    def revision(self) -> int:
        """How often the message was updated; 0 when it was only posted."""
        return len(self.past)

    def snapshot(self, revision: int | None = None) -> Message:
        """A copy that later updates do not touch, with the blocks of `revision` (default: the newest)."""
        twin = copy.deepcopy(self)
        if revision is not None and revision < len(self.past):
            twin.blocks = twin.past[revision]
        return twin


@dataclass(eq=False)
class View:
    """A modal or a Home tab. `body` is what the app sent, with ids; `errors` maps block_id to text."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """`modal` or `home`."""
        return str(self.body.get("type", ""))

    @property
    def blocks(self) -> list[Json]:
        """The view's blocks, each with its block_id."""
        blocks: list[Json] = self.body.get("blocks", [])
        return blocks

    @property
    def all_blocks(self) -> list[Json]:
        """The same; views have no attachments."""
        return self.blocks

    @property
    def title(self) -> str:
        """The title's text, empty for a Home tab."""
        return str((self.body.get("title") or {}).get("text", ""))


@dataclass
class App:
    """The app as Slack's settings page would describe it.

    `client_id`, `client_secret` and `redirect_uri` matter only for installing by OAuth.
    `request_url` takes interactions, commands and events unless a Socket Mode connection is open.
    `commands` and `events` say what is delivered at all; `scopes` is what the bot token may do.
    """

    bot_token: str
    signing_secret: str
    request_url: str | None = None
    app_token: str = ""
    id: str = "A0APP"
    name: str = "Countersign"
    bot_id: str = "B0BOT"
    bot_user_id: str = "U0BOT"
    verification_token: str = ""
    client_id: str = "client"
    client_secret: str = ""
    redirect_uri: str = ""
    scopes: frozenset[str] = DEFAULT_SCOPES
    commands: tuple[str, ...] = DEFAULT_COMMANDS
    events: frozenset[str] = DEFAULT_EVENTS
    home_enabled: bool = True
    restricted_history: bool = False
    """True = history answers as for apps sold outside the Marketplace: 15 rows, one call a minute."""
    revoked: str | None = None
    """Set to a Slack error such as `token_revoked` and every call with the bot token answers it."""
    old_tokens: set[str] = field(default_factory=set)
    """Bot tokens of earlier installations; every call with one answers `token_revoked`."""

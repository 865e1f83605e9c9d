"""Speaking to Slack: one client, what its errors mean, and who people are, from live data at most a minute old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from governance.reviewers import Panel

log = logging.getLogger(__name__)

T = TypeVar("T")

CLICK_AGE = 60.0  #: seconds that membership may be old at a click
KEY_AGE = 900.0  #: seconds that membership may be old for an operator key
_TIMEOUT = 8  # seconds; three calls in a row must end within the lease of the surface they draw

_GONE = frozenset(
    {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed", "team_access_not_granted"}
)
_RETRY = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})


_NO_GROUP = frozenset({"no_such_subteam", "subteam_disabled"})


class SlackTrouble(Exception):
    """A call to Slack failed; the subclass says what to do about it."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class TryLater(SlackTrouble):
    """Slack was busy or out of reach. `uncertain` says that the call may have been carried out all the same."""

    def __init__(self, error: str, *, after: float = 1.0, uncertain: bool = False) -> None:
        super().__init__(error)
        self.after, self.uncertain = after, uncertain


class MessageLost(SlackTrouble):
    """The message is gone or can no longer be changed."""


class BlocksRefused(SlackTrouble):
    """Slack does not take these blocks: our own bug; say it in plain text instead."""


class Disconnected(SlackTrouble):
    """The workspace revoked us; nothing works until somebody installs the app again."""


class Misconfigured(SlackTrouble):
    """An operator has to do something first, such as inviting the bot to a channel."""


def new_client(token: str, base_url: str) -> AsyncWebClient:
    """Return a client without the SDK's own connection retries: a repeated post is a second message."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=_TIMEOUT, retry_handlers=[])


def share_connections(client: AsyncWebClient) -> aiohttp.ClientSession:
    """Give a client connections to use again, instead of a new one for every call; the caller closes them."""
    client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
    return client.session


async def calling(call: Awaitable[T]) -> T:
    """Await a Web API call and translate whatever goes wrong into a SlackTrouble."""
    try:
        return await call
    except SlackApiError as error:
        raise _translated(error) from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorDNSError) as error:
        raise TryLater(type(error).__name__) from error  # nothing was sent
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TryLater(type(error).__name__, uncertain=True) from error


def _translated(error: SlackApiError) -> SlackTrouble:
    response: Any = error.response
    status, headers = getattr(response, "status_code", 200), getattr(response, "headers", {}) or {}
    name = _error_name(response)
    if status == 429 or name == "ratelimited":
        return TryLater("ratelimited", after=float(headers.get("Retry-After") or 1))
    if status >= 500 or name in _RETRY or not name:
        return TryLater(name or f"HTTP {status}", uncertain=True)
    if name in _GONE:
        return Disconnected(name)
    if name in _LOST:
        return MessageLost(name)
    return BlocksRefused(name) if name in _BLOCKS else Misconfigured(name)


def _error_name(response: Any) -> str:
    data = getattr(response, "data", response)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user as far as deciding goes."""

    id: str
    name: str
    is_active: bool
    is_guest: bool
    is_stranger: bool
    tz_offset: int = 0  #: seconds east of UTC

    @property
    def may_decide(self) -> bool:
        """Whether this is a full member of this workspace."""
        return self.is_active and not self.is_guest and not self.is_stranger


class _Fresh(Generic[T]):
    """Answers by key, asked again when they are too old; simultaneous askers share one call."""

    def __init__(self, ask: Callable[[str], Awaitable[T]]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[float, T]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, max_age: float) -> T:
        async with self._locks.setdefault(key, asyncio.Lock()):
            at, value = self._known.get(key, (0.0, None))
            if value is None or monotonic() - at > max_age:
                asked_at = monotonic()
                value = await self._ask(key)
                self._known[key] = (asked_at, value)
            return value


class Directory:
    """Who people are and which user groups they are in, as Slack says now."""

    def __init__(self, client: AsyncWebClient, team_id: Callable[[], Awaitable[str]]) -> None:
        self._client, self._team_id = client, team_id
        self._people = _Fresh(self._ask_person)
        self._groups = _Fresh(self._ask_group)
        self._said: set[str] = set()

    async def person(self, user_id: str, max_age: float = CLICK_AGE) -> Person:
        """Return a person. Raises SlackTrouble where Slack cannot be asked; an unknown id is a stranger."""
        return await self._people.get(user_id, max_age)

    async def members(self, panel: Panel, max_age: float = CLICK_AGE) -> dict[str, frozenset[str]]:
        """Return the live members of every user group of a panel."""
        groups = panel.groups()
        found = await asyncio.gather(*(self._groups.get(group, max_age) for group in groups))
        return dict(zip(groups, found, strict=True))

    async def _ask_person(self, user_id: str) -> Person:
        try:
            answer = await calling(self._client.users_info(user=user_id))
        except Misconfigured as trouble:
            if trouble.error in ("user_not_found", "user_not_visible"):
                return Person(user_id, user_id, is_active=False, is_guest=False, is_stranger=True)
            raise
        user: dict[str, Any] = answer["user"]
        home = await self._team_id()
        profile = user.get("profile") or {}
        return Person(
            user_id, profile.get("display_name") or user.get("real_name") or user_id,
            is_active=not user.get("deleted") and not user.get("is_bot"),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=bool(user.get("is_stranger")) or user.get("team_id", home) != home,
            tz_offset=int(user.get("tz_offset") or 0),
        )  # fmt: skip

    async def _ask_group(self, group_id: str) -> frozenset[str]:
        try:
            answer = await calling(self._client.usergroups_users_list(usergroup=group_id))
        except Misconfigured as trouble:
            if trouble.error not in _NO_GROUP:
                raise
            self._say_once(group_id, trouble.error)
            return frozenset()
        return frozenset(answer["users"])

    def _say_once(self, group_id: str, error: str) -> None:
        """Nobody is in a group that does not exist; the rest of its panel still decides."""
        if group_id not in self._said:
            self._said.add(group_id)
            log.warning("user group %s counts as empty (%s); mend reviewers in countersign.toml", group_id, error)

"""Who people are and which user groups they are in, from live data at most a minute old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.trouble import Misconfigured, calling
from governance.hours import Absence
from governance.presence import absence_by_status
from governance.reviewers import Panel

log = logging.getLogger(__name__)

T = TypeVar("T")

CLICK_AGE = 60.0  #: seconds that membership may be old at a click
KEY_AGE = 900.0  #: seconds that membership may be old for an operator key
NAME_AGE = 900.0  #: seconds that the names of user groups may be old
_NO_GROUP = frozenset({"no_such_subteam", "subteam_disabled"})


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user as far as deciding goes."""

    id: str
    name: str
    is_active: bool
    is_guest: bool
    is_stranger: bool
    tz_offset: int = 0  #: seconds east of UTC
    tz: str | None = None  #: IANA name
    absence: Absence | None = None  #: as their Slack status says, past ones included
    is_known: bool = True
    is_bot: bool = False

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
        self._handles = _Fresh(self._ask_handles)
        self._said: set[str] = set()

    def apart(self) -> "Directory":
        """Return another one with answers of its own; what one has complained of the other does not repeat."""
        other = Directory(self._client, self._team_id)
        other._said = self._said
        return other

    async def person(self, user_id: str, max_age: float = CLICK_AGE) -> Person:
        """Return a person. Raises SlackTrouble where Slack cannot be asked; an unknown id is a stranger."""
        return await self._people.get(user_id, max_age)

    async def members(self, panel: Panel, max_age: float = CLICK_AGE) -> dict[str, frozenset[str]]:
        """Return the live members of every user group of a panel."""
        groups = panel.groups()
        found = await asyncio.gather(*(self._groups.get(group, max_age) for group in groups))
        return dict(zip(groups, found, strict=True))

    async def handles(self) -> dict[str, str]:
        """Return the handles of the workspace's user groups by id, such as `@oncall`."""
        return await self._handles.get("all", NAME_AGE)

    async def _ask_person(self, user_id: str) -> Person:
        try:
            answer = await calling(self._client.users_info(user=user_id))
        except Misconfigured as trouble:
            if trouble.error in ("user_not_found", "user_not_visible"):
                return Person(user_id, user_id, is_active=False, is_guest=False, is_stranger=True, is_known=False)
            raise
        user: dict[str, Any] = answer["user"]
        home = await self._team_id()
        profile = user.get("profile") or {}
        return Person(
            user_id, profile.get("display_name") or user.get("real_name") or user_id,
            is_active=not user.get("deleted") and not user.get("is_bot"),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=bool(user.get("is_stranger")) or user.get("team_id", home) != home,
            tz_offset=int(user.get("tz_offset") or 0), tz=str(user["tz"])[:64] if user.get("tz") else None,
            absence=_absence(profile), is_bot=bool(user.get("is_bot")),
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

    async def _ask_handles(self, _all: str) -> dict[str, str]:
        answer = await calling(self._client.usergroups_list())
        return {str(one["id"]): f"@{one['handle']}" for one in answer["usergroups"] if one.get("handle")}

    def _say_once(self, group_id: str, error: str) -> None:
        """Nobody is in a group that does not exist; the rest of its panel still decides."""
        if group_id not in self._said:
            self._said.add(group_id)
            log.warning("user group %s counts as empty (%s); mend reviewers in countersign.toml", group_id, error)


def _absence(profile: dict[str, Any]) -> Absence | None:
    emoji, text = str(profile.get("status_emoji") or ""), str(profile.get("status_text") or "")
    return absence_by_status(emoji, text, int(profile.get("status_expiration") or 0))

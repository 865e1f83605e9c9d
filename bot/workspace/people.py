"""What changes about people: profiles, statuses, presence, user groups."""

from __future__ import annotations

from bot.workspace.model import Json, UserGroup
from bot.workspace.telling import Telling
from bot.workspace.transport import Reply
from bot.workspace.wire import group_json, user_json

STATUSES = {
    "holiday": ("On holiday", ":palm_tree:"),
    "sick": ("Sick", ":face_with_thermometer:"),
    "meeting": ("In a meeting", ":calendar:"),
}
"""The statuses Slack offers ready-made: a short name -> text and emoji."""


class People(Telling):
    """People and groups as they change."""

    async def person_changed(self, user_id: str, **changes: object) -> Reply | None:
        """Somebody is deactivated, made a guest, moves …: `person_changed(BOB, deleted=True, tz="Asia/Tokyo")`."""
        user = self.workspace.users[user_id]
        for name, value in changes.items():
            if not hasattr(user, name):
                raise AttributeError(f"people have no {name}")
            setattr(user, name, value)
        shown: Json = {"user": user_json(user, self.workspace.now()), "cache_ts": int(self.workspace.now())}
        if any(name.startswith("status_") for name in changes):
            await self._tell("user_status_changed", shown)
        await self._tell("user_profile_changed", shown)
        return await self._tell("user_change", shown)

    async def status_set(self, user_id: str, text: str = "", emoji: str = "", until: float = 0) -> Reply | None:
        """Somebody sets a status, clears it (no text), or picks one of STATUSES by its short name.

        `until` is when it clears itself, in seconds since 1970; 0 = never.
        """
        text, emoji = STATUSES.get(text, (text, emoji))
        return await self.person_changed(user_id, status_text=text, status_emoji=emoji, status_expiration=int(until))

    async def paused(self, user_id: str, until: float = 0) -> Reply | None:
        """Somebody pauses notifications until then (seconds since 1970); 0 resumes them."""
        self.workspace.users[user_id].dnd_until = int(until)
        on = until > self.workspace.now()
        status = {"dnd_enabled": on, "next_dnd_start_ts": 1, "next_dnd_end_ts": int(until) if on else 1}
        return await self._tell("dnd_updated_user", {"user": user_id, "dnd_status": status})

    async def group_created(self, group: UserGroup) -> Reply | None:
        """An administrator makes a user group."""
        self.workspace.add_group(group)
        return await self._tell("subteam_created", {"subteam": group_json(group, self.workspace.team_id, True)})

    async def group_changed(self, group_id: str, users: list[str]) -> Reply | None:
        """A user group gets other members."""
        group = self.workspace.groups[group_id]
        before, group.users = group.users, list(users)
        added = [user for user in users if user not in before]
        removed = [user for user in before if user not in users]
        now = int(self.workspace.now())
        await self._tell("subteam_updated", {"subteam": group_json(group, self.workspace.team_id, True)})
        more = {
            "subteam_id": group_id,
            "team_id": self.workspace.team_id,
            "date_previous_update": now,
            "date_update": now,
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        }
        return await self._tell("subteam_members_changed", more)

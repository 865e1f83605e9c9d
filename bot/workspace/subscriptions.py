"""Which scope an event needs: Slack delivers a subscribed event only to an app that holds it."""

from __future__ import annotations

_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "user_change": "users:read",
    "user_profile_changed": "users:read",
    "user_status_changed": "users:read",
    "dnd_updated_user": "dnd:read",
    "subteam_created": "usergroups:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "channel_archive": "channels:read",
    "channel_unarchive": "channels:read",
    "channel_created": "channels:read",
    "channel_left": "channels:read",
    "channel_shared": "channels:read",
    "channel_unshared": "channels:read",
    "group_archive": "groups:read",
    "group_unarchive": "groups:read",
    "group_left": "groups:read",
}


def scope_of(event: str) -> str | None:
    """The scope the subscription `event` needs; None where every app may have it."""
    return _SCOPES.get(event)

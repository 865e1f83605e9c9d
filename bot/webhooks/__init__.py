"""Telling webhooks of events."""

from bot.webhooks.sender import AT_ONCE, Webhooks

__all__ = ["AT_ONCE", "Webhooks"]

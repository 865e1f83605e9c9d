"""The office: what every front door is handed, and the verbs that look at live people before they move anything."""

from bot.office.office import TENANT, Office, SlackIdentity

__all__ = ["TENANT", "Office", "SlackIdentity"]

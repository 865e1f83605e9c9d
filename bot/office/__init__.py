"""The office: what every front door is handed, and the verbs that look at live people before they move anything."""

from bot.office.office import Office, SlackIdentity
from governance.policy import TENANT

__all__ = ["TENANT", "Office", "SlackIdentity"]

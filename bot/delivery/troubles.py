"""What delivery makes of trouble: when to try again, whom to give up, what an operator can do."""

import logging

from bot.slack import ChannelClosed, Disconnected, Misconfigured, SlackTrouble, TryLater
from scheduler.outbox import backoff
from scheduler.ports import Postponed
from storage.tables import OutboxMessage

log = logging.getLogger(__name__)

#: What Slack says of people it will never deliver to.
_NOBODY = frozenset({"channel_not_found", "user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot"})
_FIRST_RETRY, _LAST_RETRY = 30.0, 600.0  # seconds between tries where an operator has to help first
_REMEDIES = {
    "not_in_channel": "invite the bot there with `/invite @Countersign`",
    "channel_not_found": "mend the channel's id in countersign.toml, or invite the bot to it where it is private",
    "is_archived": "unarchive the channel, or name another one in countersign.toml",
    "restricted_action": "let Countersign post there: the channel's settings say who may",
    "restricted_action_read_only_channel": "let Countersign post there: the channel's settings say who may",
    "missing_scope": "install the app again with the scopes of manifest.yml",
}


def remedy(error: str) -> str:
    """Return what an operator can do about an error of Slack."""
    return _REMEDIES.get(error, "look the error up in Slack's documentation and mend what it names")


def is_person(to: str) -> bool:
    """Whether a message goes to a person rather than a channel."""
    return to[:1] in "UW"


def is_unreachable(to: str, trouble: SlackTrouble) -> bool:
    """Whether this is a person to whom Slack will never deliver."""
    return is_person(to) and isinstance(trouble, Misconfigured) and trouble.error in _NOBODY


def postponed(trouble: SlackTrouble, message: OutboxMessage, channel: str) -> Postponed:
    """Say when to try again after trouble, and tell the operator where only an operator can help.

    Of a closed channel the admins are told, and of a lost connection the log says it once.
    """
    if isinstance(trouble, TryLater):
        after = max(trouble.after, backoff(message.attempts))
        return Postponed(trouble.error, after=after, certain=not trouble.uncertain)
    if isinstance(trouble, Misconfigured) and not isinstance(trouble, ChannelClosed):
        log.error("Slack answers %s for %s: %s", trouble.error, channel, remedy(trouble.error))
    after = min(_FIRST_RETRY * 2.0 ** min(message.attempts - 1, 10), _LAST_RETRY)
    return Postponed(trouble.error, after=after, certain=True, blameless=isinstance(trouble, Disconnected))

"""What goes wrong with a call to Slack, and what to do about it."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError

T = TypeVar("T")

_GONE = frozenset(
    {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed", "team_access_not_granted"}
)
_RETRY = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_CLOSED = frozenset(
    {"is_archived", "not_in_channel", "channel_not_found", "restricted_action", "restricted_action_read_only_channel"}
)
_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})


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


class ChannelClosed(Misconfigured):
    """This channel takes no messages from us until somebody opens it."""


async def calling(call: Awaitable[T]) -> T:
    """Await a Web API call and translate whatever goes wrong into a SlackTrouble."""
    try:
        return await call
    except SlackApiError as error:
        raise _translated(error) from error
    except SlackRequestError as error:  # an address to upload to did not take what it was sent
        raise TryLater("upload_failed") from error
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
    if name in _CLOSED:
        return ChannelClosed(name)
    return BlocksRefused(name) if name in _BLOCKS else Misconfigured(name)


def _error_name(response: Any) -> str:
    data = getattr(response, "data", response)
    return str(data.get("error", "")) if isinstance(data, dict) else ""

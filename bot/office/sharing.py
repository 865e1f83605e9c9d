"""Who reads a channel, asked before something private is shown to everybody in it."""

from bot.office import Office
from bot.slack import Misconfigured, calling
from governance.errors import Forbidden

_OUTSIDE = ("is_ext_shared", "is_pending_ext_shared", "is_org_shared")


async def check_may_share(office: Office, channel: str) -> None:
    """Raise Forbidden where people of another organisation read along, or where nobody can tell."""
    try:
        info = (await calling(office.client.conversations_info(channel=channel)))["channel"]
    except Misconfigured:
        raise Forbidden(
            "I cannot tell who reads along here, so nothing was shared; invite me with /invite @Countersign first."
        ) from None
    if any(info.get(flag) for flag in _OUTSIDE):
        raise Forbidden("This channel is shared with another organisation, so nothing was shared.")

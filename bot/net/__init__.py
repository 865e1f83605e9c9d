"""Going out into the network: only to addresses outside, unless the policy opens the way inside."""

from bot.net.addresses import is_outside
from bot.net.guard import ForbiddenAddress, GuardedResolver, new_session

__all__ = ["ForbiddenAddress", "GuardedResolver", "is_outside", "new_session"]

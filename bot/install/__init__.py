"""Installing by OAuth: the pages, what is kept of an installation, and the tokens that offices speak with."""

from bot.install.flow import Installing
from bot.install.keeper import Keeper

__all__ = ["Installing", "Keeper"]

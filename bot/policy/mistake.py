"""A mistake in countersign.toml that its shape allows and its meaning does not."""

from dataclasses import dataclass

from bot.policy.places import Path


@dataclass
class Mistake(Exception):
    """Where it stands, and one sentence with the way out."""

    path: Path
    message: str

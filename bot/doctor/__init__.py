"""`countersign doctor`: what is missing before everything works, and how to mend it. Nothing is changed by looking."""

from bot.doctor.examine import examine
from bot.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]

"""What an agent spent of its weekly cap, as cards and the Home tab say it. Pure."""

from dataclasses import dataclass

from governance.money import format_usd


@dataclass(frozen=True, slots=True)
class Budget:
    """A week's cost and cap, in micro-dollars."""

    cost: int
    cap: int

    @property
    def left(self) -> int:
        """What may still be spent."""
        return max(0, self.cap - self.cost)


def spend_field(budget: Budget) -> str:
    """Return the field of a card: what was spent this week, and what is left."""
    return f"*Spent this week*\n{_of_cap(budget)}, {format_usd(budget.left)} left"


def spend_line(budget: Budget, bar: str) -> str:
    """Return the line of an agent on the Home tab."""
    return f"{bar} {_of_cap(budget)} spent this week"


def _of_cap(budget: Budget) -> str:
    return f"{format_usd(budget.cost)} of {format_usd(budget.cap)} USD"

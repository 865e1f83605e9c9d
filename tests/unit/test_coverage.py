"""Who stands in for whom, and how many people are within reach."""

from datetime import UTC, datetime

import pytest

from governance.coverage import Sight, stand_ins, within_reach
from governance.hours import Absence
from governance.reviewers import Panel

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
THERE, GONE = Sight(may_decide=True), Sight(may_decide=False)


def away(delegate: str | None = None) -> Sight:
    return Sight(may_decide=True, absence=Absence(NOW, None, delegate))


@pytest.mark.parametrize(
    ("sights", "chain"),
    [
        ({"A": away("B"), "B": THERE}, ("B",)),
        ({"A": away("B"), "B": away("C"), "C": THERE}, ("B", "C")),
        ({"A": away("B"), "B": away("C"), "C": away("D"), "D": THERE}, ("B", "C", "D")),
        ({"A": away("B"), "B": away("C"), "C": away("D"), "D": away("E"), "E": THERE}, ()),
        ({"A": away("B"), "B": away("A")}, ()),
        ({"A": away("B"), "B": away("C"), "C": away("B")}, ()),
        ({"A": away("B"), "B": away()}, ()),
        ({"A": away("B"), "B": GONE}, ()),
        ({"A": away("B")}, ()),
        ({"A": THERE}, ()),
        ({}, ()),
    ],
)
def test_a_chain_ends_with_somebody_who_is_there_or_leads_nowhere(
    sights: dict[str, Sight], chain: tuple[str, ...]
) -> None:
    assert stand_ins("A", sights) == chain


PANEL = Panel(("A", "B", "S1"), 2, requester="R")


@pytest.mark.parametrize(
    ("sights", "handed", "more", "near"),
    [
        ({"A": THERE, "B": THERE}, {}, {}, "AB"),
        ({"A": THERE, "B": away()}, {}, {}, "A"),
        ({"A": THERE, "B": away(), "X": THERE}, {"B": "X"}, {}, "AX"),
        ({"A": THERE, "B": away()}, {"B": "A"}, {}, "A"),
        ({"A": THERE, "B": THERE, "X": away()}, {"B": "X"}, {}, "AB"),
        ({"A": THERE, "M": THERE, "N": GONE, "R": THERE}, {}, {}, "AM"),
        ({"A": THERE, "B": THERE}, {}, {"silent": "A"}, "B"),
        ({"A": away(), "B": THERE}, {}, {"approved": frozenset("A")}, "AB"),
        ({"X": THERE}, {}, {}, ""),
    ],
)
def test_only_those_count_who_are_there_or_have_approved(
    sights: dict[str, Sight], handed: dict[str, str], more: dict[str, object], near: str
) -> None:
    members = {"S1": frozenset("MNR")}
    assert within_reach(PANEL, members, handed, sights, **more) == frozenset(near)  # type: ignore[arg-type]

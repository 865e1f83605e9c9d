"""Whether those who may decide are there: who stands in for whom, and whether enough people are within reach."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from governance.hours import Absence
from governance.reviewers import Panel

MAX_CHAIN = 3  #: how many hops from somebody who is away to whoever answers for them


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one person at one moment."""

    may_decide: bool  #: an active full member of the workspace
    absence: Absence | None = None  #: the one that holds at that moment

    @property
    def is_there(self) -> bool:
        """Whether this person could answer a request."""
        return self.may_decide and self.absence is None


Sights = Mapping[str, Sight]
_UNSEEN = Sight(may_decide=False)


def stand_ins(person: str, sights: Sights) -> tuple[str, ...]:
    """Return who answers for somebody who is away, hop by hop: each named by the one before, the last one is there.

    Empty where it leads to nobody: no delegate is named, they are in a circle, or the chain is too long.
    """
    chain: list[str] = []
    while (named := _delegate(chain[-1] if chain else person, sights)) is not None:
        if named == person or named in chain or len(chain) == MAX_CHAIN:
            return ()
        chain.append(named)
    return tuple(chain) if chain and sights.get(chain[-1], _UNSEEN).is_there else ()


def _delegate(person: str, sights: Sights) -> str | None:
    absence = sights.get(person, _UNSEEN).absence
    return absence.delegate if absence else None


def within_reach(
    panel: Panel,
    members: Mapping[str, frozenset[str]],
    handed: Mapping[str, str],
    sights: Sights,
    *,
    approved: Set[str] = frozenset(),
    silent: str | None = None,
) -> frozenset[str]:
    """Return the distinct people who have approved or are there to: on each place its holder, else its owner.

    `silent` is who edited the call. Whoever is in no sight is not there.
    """
    near = set(approved)
    for place in panel.eligible(members):
        candidates = (one for one in (handed.get(place), place) if one is not None)
        near.update([one for one in candidates if sights.get(one, _UNSEEN).is_there][:1])
    return frozenset(near - {panel.requester, silent})

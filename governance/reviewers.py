"""Who may answer a request, and when the answers settle it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from governance.errors import NotAReviewer, SelfReview
from governance.policy import Agent, Policy, Tool


class ReviewVerdict(StrEnum):
    """One person's answer."""

    APPROVE = "approve"
    REJECT = "reject"
    DEFER = "defer"


def is_group(reviewer: str) -> bool:
    """Whether a reviewer id names a Slack user group rather than a person."""
    return reviewer.startswith("S")


@dataclass(frozen=True, slots=True)
class Panel:
    """The people and user groups who may answer one request, and how many of them must agree."""

    reviewers: tuple[str, ...]
    quorum: int
    requester: str | None = None
    barred: str | None = None  #: the agent's creator where the tool keeps them out, whatever group they are in

    def can_settle(self) -> bool:
        """Whether enough different people could approve; user groups are counted when somebody clicks."""
        return any(map(is_group, self.reviewers)) or len(self._named()) >= self.quorum

    def shortage(self) -> str:
        """Say why a panel that cannot settle cannot."""
        return f"{len(self._named())} of the {self.quorum} people needed, the requester not counted"

    def groups(self) -> tuple[str, ...]:
        """Return the user groups whose live members decide eligibility."""
        return tuple(filter(is_group, self.reviewers))

    def admits(self, person: str, members: Mapping[str, frozenset[str]]) -> bool:
        """Whether `person` may answer; `members` holds the live members of each user group."""
        if person == self.barred:
            return False
        by_name = person in self.reviewers and not is_group(person)
        return by_name or any(person in members.get(group, ()) for group in self.groups())

    def check(self, person: str, members: Mapping[str, frozenset[str]]) -> None:
        """Raise SelfReview or NotAReviewer where `person` may not answer."""
        if person == self.requester:
            raise SelfReview(details={"reviewers": [r for r in self.reviewers if r != person]})
        if not self.admits(person, members):
            raise NotAReviewer(details={"reviewers": list(self.reviewers)})

    def eligible(self, members: Mapping[str, frozenset[str]]) -> frozenset[str]:
        """Return everybody whose approval could count now: the named and the live members of groups."""
        in_groups = (person for group in self.groups() for person in members.get(group, ()))
        return frozenset({*self._named(), *in_groups} - {self.requester, self.barred})

    def _named(self) -> set[str]:
        return {r for r in self.reviewers if not is_group(r) and r not in (self.requester, self.barred)}


def panel_of(policy: Policy, agent: Agent, tool: Tool, on_behalf_of: str | None) -> Panel:
    """Return who may answer a call: the tool's reviewers, else the admins and the agent's creator.

    The requester is whom the agent acts for; else its creator, where the tool says the creator may not approve.
    A creator who may not approve is not on the panel either, whomever the agent acts for.
    """
    barred = agent.creator if tool.creator_may_approve is False else None
    asked = dict.fromkeys(tool.reviewers or (*policy.admins, agent.creator))
    admitted = (one for one in asked if one != barred)
    return Panel(tuple(admitted), tool.quorum, on_behalf_of or barred, barred)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who answers, and on whose place on the panel: their own, or that of somebody who delegated it to them."""

    person: str
    of: str

    @property
    def giver(self) -> str | None:
        """Who delegated the place; None where it is the person's own."""
        return self.of if self.of != self.person else None


def seat_of(panel: Panel, person: str, members: Mapping[str, frozenset[str]], givers: Iterable[str]) -> Seat:
    """Return the place a person answers on. Raises SelfReview or NotAReviewer where there is none.

    `givers` are those who delegated their place to this person; one of them must be eligible at this moment.
    """
    if person != panel.requester and not panel.admits(person, members):
        for giver in givers:
            if giver != panel.requester and panel.admits(giver, members):
                return Seat(person, giver)
    panel.check(person, members)
    return Seat(person, person)


def approvals_that_count(
    panel: Panel, approvers: Iterable[Seat], members: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Return the distinct people whose approval counts now, one for each place; re-checked at settlement."""
    places: dict[str, str] = {}
    for seat in approvers:
        barred = panel.requester in (seat.person, seat.of)
        if not barred and seat.person not in places.values() and panel.admits(seat.of, members):
            places.setdefault(seat.of, seat.person)
    return frozenset(places.values())


def voices(
    panel: Panel, members: Mapping[str, frozenset[str]], handed: Mapping[str, str], *, silent: str | None = None
) -> frozenset[str]:
    """Return the distinct people who could approve, with places `handed` from giver to taker; `silent` may not."""
    speaking = {handed.get(place, place) for place in panel.eligible(members)}
    return frozenset(speaking - {panel.requester, silent})

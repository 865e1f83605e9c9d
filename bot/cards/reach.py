"""Who could answer a call before it is made, in words: for Slack, and plainly for terminals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cards.answering import shortage
from bot.cards.blocks import date, mrkdwn
from governance.reach import Bearing, Candidate, PanelPlace, Reach
from governance.text import cut, one_line

_SHOWN = 20
_LONGEST = 3500
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))
_BEARINGS = {
    Bearing.THERE: "there",
    Bearing.REQUESTER: "asks for it, so does not count",
    Bearing.BARRED: "created the agent, and the tool keeps its creator out",
    Bearing.GUEST: "a guest, who may not decide",
    Bearing.STRANGER: "of another organisation, who may not decide",
    Bearing.BOT: "a bot, which may not decide",
    Bearing.DEACTIVATED: "deactivated in Slack",
    Bearing.UNKNOWN: "unknown to Slack",
    Bearing.NOT_ASKED: "not looked up",
}


@dataclass(frozen=True, slots=True)
class _Style:
    """How people, moments and other words are written."""

    person: Callable[[str, str], str]  #: of id and name
    moment: Callable[[datetime], str]
    text: Callable[[str], str]
    strong: str


_SLACK = _Style(lambda one, _name: f"<@{one}>", date, lambda text: mrkdwn(one_line(text)), "*")
_PLAIN = _Style(
    lambda one, name: f"{one_line(name)} ({one})" if name != one else one,
    lambda at: at.isoformat(timespec="minutes"), one_line, "",
)  # fmt: skip


def told(found: Reach) -> str:
    """Return who could answer, for Slack: nobody is pinged by a private answer."""
    return cut("\n".join(_lines(found, _SLACK)), _LONGEST)


def told_plainly(found: Reach) -> str:
    """Return who could answer, for a terminal."""
    return "\n".join(_lines(found, _PLAIN))


def _lines(found: Reach, style: _Style) -> Iterable[str]:
    what = f"{style.strong}{style.text(found.tool)}{style.strong} by {style.strong}{style.text(found.agent)}"
    if not found.verdict.asks:
        yield f"{what}{style.strong} asks nobody: {style.text(found.verdict.reason)}."
        return
    yield f"{what}{style.strong} asks {found.quorum} of these people ({style.text(found.verdict.reason)}):"
    yield from (f"• {_place(place, style, is_known=found.trouble is None)}" for place in found.places)
    yield _conclusion(found, style)
    if found.escalate_after is not None:
        ladder = "; ".join(_place(place, style, is_known=found.trouble is None) for place in found.escalation)
        yield f"After {_span(found.escalate_after)} without an answer it also asks {ladder}."
    yield "Admins, who may stand in: " + ", ".join(_candidate(one, style) for one in found.admins) + "."


def _span(length: timedelta) -> str:
    """Return a length of time in its largest whole unit."""
    seconds = int(length.total_seconds())
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0), (1, "second"))
    return f"{seconds // size} {unit}{'' if seconds == size else 's'}"


def _conclusion(found: Reach, style: _Style) -> str:
    if found.trouble is not None:
        return (
            f"Slack was not asked ({style.text(found.trouble)}), so this is who is named; "
            "nobody looked into user groups or at who is there."
        )
    names = {one.id: one.name for place in found.places for one in place.people}
    near = ", ".join(style.person(one, names.get(one, one)) for one in sorted(found.near))
    if found.can_settle:
        return f"✅ {len(found.near)} within reach: {near}."
    return f"🚨 {shortage(len(found.near), found.quorum)}" + (f": {near}." if near else ".")


def _place(place: PanelPlace, style: _Style, *, is_known: bool) -> str:
    if not place.is_group:
        return ", ".join(_candidate(one, style) for one in place.people)
    name = f"{style.text(place.name)} ({place.id})" if place.name != place.id else f"group {place.id}"
    inside = [_candidate(one, style) for one in place.people[:_SHOWN]]
    more = len(place.people) - _SHOWN
    if not inside and not is_known:
        return name
    return f"{name}: " + (", ".join(inside) or "nobody") + (f" and {more} more" if more > 0 else "")


def _candidate(one: Candidate, style: _Style) -> str:
    words = _away(one, style) if one.bearing is Bearing.AWAY else _BEARINGS[one.bearing]
    quiet = f", quiet until {style.moment(one.quiet_until)}" if one.quiet_until is not None else ""
    return f"{style.person(one.id, one.name)} – {words}{quiet}"


def _away(one: Candidate, style: _Style) -> str:
    until = one.absence.until if one.absence else None
    words = "out of office" + (f" until {style.moment(until)}" if until else "")
    if one.covered_by is not None:
        return f"{words}, {style.person(one.covered_by, one.covered_by)} answers"
    if one.delegate is not None:
        return f"{words}, and {style.person(one.delegate, one.delegate)} may not answer or is not there either"
    return words

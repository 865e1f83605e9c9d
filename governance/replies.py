"""Answers in words: which plain replies and reactions are meant as a decision, and for which calls they may count."""

import re
from dataclasses import dataclass
from enum import StrEnum

from governance.errors import Forbidden
from governance.policy import Policy
from governance.text import cut
from governance.tiers import Risk

REASON = 2000  #: characters of a reason, as in the modal
_SHORT, _LONG, _TAIL, _FEW = 100, 2500, 150, 5  # what is looked at, so that no text keeps us busy


class Way(StrEnum):
    """How somebody answered without a button."""

    REPLY = "reply"
    REACTION = "reaction"


class Meaning(StrEnum):
    """What was meant."""

    APPROVE = "approve"
    REJECT = "reject"
    QUALIFIED = "qualified"  #: begins as an approval and goes on; nobody but a person can tell what holds


@dataclass(frozen=True, slots=True)
class Meant:
    """A reply or reaction that was meant as a decision; a rejection without a reason is still to be completed."""

    meaning: Meaning
    reason: str | None = None


class ButtonsOnly(Forbidden):
    """This call is decided with its buttons only, so nothing changed; please use the buttons on its card."""

    code = "BUTTONS_ONLY"


_REACTIONS = {"white_check_mark": Meaning.APPROVE, "x": Meaning.REJECT}
_LOW = frozenset({Risk.READ_ONLY, Risk.LOW_WRITE})

# ASCII only: with Unicode's rules for case, letters of other alphabets would pass for these.
_FLAGS = re.ASCII | re.IGNORECASE | re.DOTALL
_EMOJI = r":([a-z0-9_+'-]{1,100}):"
_FIRST_EMOJI, _LAST_EMOJI = re.compile(rf"{_EMOJI}\s*", _FLAGS), re.compile(rf"\s*{_EMOJI}\Z", _FLAGS)
_THIS = r"(?:\s+(?:it|this))?"
_APPROVED = re.compile(rf"approved?{_THIS}[.!]*", _FLAGS)
_APPROVED_BUT = re.compile(
    rf"approved?{_THIS}\s*(?:[.,;:!(\n-]|[^\x00-\x7f]|\s(?:but|if|for|with|only|once)\b).*", _FLAGS
)
_REJECTED = re.compile(rf"(?:reject(?:ed)?|deny|denied){_THIS}(?:\s+because)?\s*[.,;:!-]*", _FLAGS)
_REJECTED_BECAUSE = re.compile(
    rf"(?:reject(?:ed)?|deny|denied){_THIS}\s*(?:[.,;:!\u2013\u2014-]+(?:\s*because\b)?|\s\s*because\b)[\s,:]*(?P<reason>.+)",
    _FLAGS,
)
_REJECT_THIS = re.compile(r"(?:reject|deny)\s+(?P<reason>.+)", _FLAGS)
_AGREEING = re.compile(r"white_check_mark|heavy_check_mark|\+1|thumbsup|ok_hand|tada|rocket|pray|skin-tone-[2-6]")


def read_reply(text: str, bot: str) -> Meant | None:
    """Return what a reply means, None where it is conversation. `bot` is our own user id, which may be addressed."""
    addressed = re.match(rf"<@{re.escape(bot)}(?:\|[^>]{{0,100}})?>[\s,:]*", text.strip())
    words, emoji = _without_emoji(text.strip()[addressed.end() if addressed else 0 :])
    words = words.strip().strip("*_`").strip()
    if len(words) <= _SHORT and _APPROVED.fullmatch(words):
        return Meant(Meaning.APPROVE if all(map(_AGREEING.fullmatch, emoji)) else Meaning.QUALIFIED)
    words = words[:_LONG]
    if _APPROVED_BUT.fullmatch(words):
        return Meant(Meaning.QUALIFIED)
    if _REJECTED.fullmatch(words):
        return Meant(Meaning.REJECT)
    found = _REJECTED_BECAUSE.fullmatch(words) or _REJECT_THIS.fullmatch(words)
    return Meant(Meaning.REJECT, _reason(found["reason"])) if found else None


def _without_emoji(text: str) -> tuple[str, list[str]]:
    """Return a text without the few emoji it begins and ends with, and their names."""
    names: list[str] = []
    while len(names) < _FEW and (found := _FIRST_EMOJI.match(text)):
        names.append(found[1])
        text = text[found.end() :]
    while len(names) < 2 * _FEW and (found := _LAST_EMOJI.search(text, max(0, len(text) - _TAIL))):
        names.append(found[1])
        text = text[: found.start()]
    return text, names


def read_reaction(name: str) -> Meant | None:
    """Return what an emoji under a card means, by its Slack name; None for all but ✅ and ❌."""
    return Meant(_REACTIONS[name]) if name in _REACTIONS else None


def allows(policy: Policy, way: Way) -> bool:
    """Whether the operator lets this way of answering count at all."""
    return policy.decide_by_reply if way is Way.REPLY else policy.decide_by_reaction


def check_way(policy: Policy, tool_name: str, risk: str | None, way: Way) -> None:
    """Raise ButtonsOnly unless a call may be decided in this way: the operator allows it, and it can do little harm,
    by the risk it was proposed under and by the live one."""
    tool = policy.tools.get(tool_name)
    if not allows(policy, way) or tool is None or tool.buttons_only or tool.is_internal:
        raise ButtonsOnly()
    if tool.risk not in _LOW or risk not in {one.value for one in _LOW}:
        raise ButtonsOnly()


def _reason(text: str) -> str | None:
    """Return a reason as it was typed, None where nothing can be read."""
    for escaped, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, meant)
    return cut(text.strip(), REASON) if any(map(str.isalnum, text)) else None

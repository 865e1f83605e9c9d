"""Understanding what people type after a command: pure, and forgiving where only one thing can be meant."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST = 3000  #: characters that are looked at
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "´": "'"})
_QUOTED = "`'\""
_STYLED = "*_~"  # only in pairs: a single one ends a prefix such as deploy.*
_AFTER = ".,;:!?"
_MENTION = re.compile(r"<([@#])([A-Z0-9]+)(?:\|[^<>]*)?>")
_LINK = re.compile(r"<((?:https?|mailto):[^<>|]*)(?:\|([^<>]*))?>")
_ID = re.compile(r"(?:apr|prp|aut|grt)_[0-9a-z]+", re.IGNORECASE)
_SHARING = frozenset({"share", "shared"})


@dataclass(frozen=True, slots=True)
class Said:
    """The word that was typed, in lower case, and what follows it; the word is empty where nothing was typed."""

    word: str
    rest: str = ""


def understand(text: str) -> Said:
    """Split what was typed into the word and the rest."""
    first, _, rest = tidy(text).partition(" ")
    if first and not first.strip("?"):
        return Said("help", rest.strip())
    if _ID.fullmatch(bare(first)):
        return Said("show", bare(first))
    return Said(bare(first).lower().lstrip("/-"), rest.strip())


def tidy(text: str) -> str:
    """Return what was typed on one line as it was meant: names in place of Slack's markup, quotes straight, nothing
    invisible. A person becomes `<@U…>`, a channel `<#C…>`, a link its address and its words."""
    linked = _LINK.sub(lambda hit: " ".join(part for part in hit.groups() if part), text[:LONGEST])
    named = _MENTION.sub(r"<\1\2>", linked)
    plain = " ".join(html.unescape(named).translate(_QUOTES).split())
    return "".join(character for character in plain if character.isprintable())


def bare(word: str) -> str:
    """Return a word without the quotes, backticks and punctuation around it."""
    before = None
    while word != before:
        before, word = word, word.strip(_QUOTED).rstrip(_AFTER)
        if len(word) > 2 and word[0] == word[-1] and word[0] in _STYLED:
            word = word[1:-1]
    return word


def ends_in_share(rest: str) -> tuple[str, bool]:
    """Return the rest of a list command without a final `share`, and whether there was one."""
    words = rest.split()
    if len(words) > 1 and bare(words[-1]).lower() == "here" and bare(words[-2]).lower() in _SHARING:
        words.pop()
    if words and bare(words[-1]).lower() in _SHARING:
        return " ".join(words[:-1]), True
    return rest, False


def meant(word: str, known: Iterable[str], synonyms: Mapping[str, str]) -> str | None:
    """Return the word that is known under this name, or None."""
    return word if word in known else synonyms.get(word)


def near(word: str, known: Iterable[str], synonyms: Mapping[str, str]) -> str | None:
    """Return the word that somebody who mistyped most likely meant, or None."""
    found = get_close_matches(word[:40], [*known, *synonyms], n=1, cutoff=0.7)
    return synonyms.get(found[0], found[0]) if word and found else None

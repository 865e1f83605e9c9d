"""Making text that came from outside safe to look at: nothing invisible, nothing that turns around."""

import unicodedata

_KEPT = frozenset("\n\t")
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
#: Letters and marks that Unicode does not call format characters, and that still show nothing.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """Return `text` with control, bidirectional and zero-width characters written out as ⟨U+202E⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in _KEPT:
        return character
    hidden = character in _BLANK or unicodedata.category(character) in _CATEGORIES
    return f"⟨U+{ord(character):04X}⟩" if hidden else character


def one_line(text: str) -> str:
    """Return `text` on one line, invisible characters shown."""
    return " ".join(visible(text).split())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, ending in … where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def storable(text: str) -> str:
    """Return `text` as both databases can hold it: NUL, which PostgreSQL refuses, becomes U+FFFD."""
    return text.replace("\x00", "\ufffd")

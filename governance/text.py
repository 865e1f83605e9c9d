"""Making text that came from outside safe to look at: nothing invisible, nothing that turns around."""

import unicodedata

_KEPT = frozenset("\n\t")
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
#: Letters and marks that Unicode does not call format characters, and that still show nothing.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0")
_BLANK_RANGES = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
_EMOJI_STYLE = "\ufe0f"


def visible(text: str) -> str:
    """Return `text` with control, bidirectional and zero-width characters written out as ⟨U+202E⟩."""
    if text.isascii() and text.isprintable():
        return text
    if _EMOJI_STYLE not in text:
        return text.translate(_SHOWN)
    return "".join(map(_in_context, text, " " + text))


def _in_context(character: str, before: str) -> str:
    """Keep the mark that makes a symbol an emoji; after anything else it shows nothing."""
    is_style = character == _EMOJI_STYLE and unicodedata.category(before) == "So"
    return character if is_style else _SHOWN[ord(character)]


class _Shown(dict[int, str]):
    """How each code point is shown, worked out when it is first met and kept for the usual 65,536."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = character not in _KEPT and _is_hidden(character)
        shown = f"⟨U+{code:04X}⟩" if hidden else character
        return self.setdefault(code, shown) if code <= 0xFFFF else shown


_SHOWN = _Shown()


def _is_hidden(character: str) -> bool:
    blank = character in _BLANK or any(low <= ord(character) <= high for low, high in _BLANK_RANGES)
    return blank or unicodedata.category(character) in _CATEGORIES


def one_line(text: str) -> str:
    """Return `text` on one line, invisible characters shown."""
    return " ".join(visible(text).split())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, ending in … where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def storable(text: str) -> str:
    """Return `text` as both databases can hold it: NUL, which PostgreSQL refuses, becomes U+FFFD."""
    return text.replace("\x00", "\ufffd")

"""Pages of lists: which entries stand on one, and the question a list's buttons carry to be asked again."""

import json
from collections.abc import Sequence
from typing import TypeVar

from bot.cards.lists import sentence
from bot.listeners.words.spoken import Reply, Spoken
from governance.errors import NotFound

T = TypeVar("T")

PER_PAGE = 10
_LONGEST = 300


def page_of(wanted: int, count: int) -> tuple[int, int]:
    """Return the page that is there and nearest to the one wanted, from 0, and how many there are."""
    pages = max(1, -(-count // PER_PAGE))
    return min(max(wanted, 0), pages - 1), pages


def cut_out(entries: Sequence[T], number: int) -> Sequence[T]:
    """Return the entries of a page."""
    return entries[number * PER_PAGE : (number + 1) * PER_PAGE]


def question(word: str, spoken: Spoken) -> str:
    """Return what a list's buttons carry: nothing but what was asked. A click asks it again, as whoever clicks."""
    return json.dumps([word, spoken.rest[:_LONGEST], spoken.page], ensure_ascii=False)


def read_question(value: str) -> tuple[str, str, int]:
    """Return word, rest and page. Raises NotFound for what `question` did not write."""
    try:
        word, rest, page = json.loads(value)
    except (ValueError, TypeError):
        raise NotFound("This button belongs to no list here; run the command again.") from None
    if not isinstance(word, str) or not isinstance(rest, str) or type(page) is not int:
        raise NotFound("This button belongs to no list here; run the command again.")
    return word, rest, page


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts, in the plural where it is one."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def only(text: str) -> Reply:
    """Answer in a sentence."""
    return Reply(sentence(text))

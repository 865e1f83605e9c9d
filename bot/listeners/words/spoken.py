"""What a word is handed, and what it answers with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.cards.message import Message
from bot.listeners.words.parsing import bare
from bot.office import Office
from bot.office.governing import Actor
from governance.errors import Unprocessable
from governance.roles import role_of


@dataclass(frozen=True, slots=True)
class Spoken:
    """What somebody typed after the word, who it was, and which page of a list they want."""

    office: Office
    person: str
    rest: str
    page: int = 0

    @property
    def actor(self) -> Actor:
        """The person with the role the policy gives them."""
        return Actor(self.person, role_of(self.office.policy.current, self.person))

    def agent_and_rest(self, usage: str) -> tuple[str, str]:
        """Return the agent named first and what follows it. Raises Unprocessable with the usage."""
        agent, _, rest = self.rest.strip().partition(" ")
        if not agent or not rest.strip():
            raise Unprocessable(f"Say it like this: {usage}")
        return bare(agent), rest.strip()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: for the person alone, and as everybody in a channel may see it, None where nobody else may."""

    message: Message
    shared: Message | None = None


Speak = Callable[[Spoken], Awaitable[Reply | str]]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the command: what answers it, what it is for, and two examples. In the examples `{agent}` and
    `{tool}` stand for some of this workspace's own."""

    speak: Speak | None  #: None for a word that opens a modal instead
    does: str
    examples: tuple[str, str]

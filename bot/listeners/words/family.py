"""The words of one slash command, and the one way from a word to its answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.ids import Command
from bot.listeners.words import helping
from bot.listeners.words.paging import only
from bot.listeners.words.parsing import Said, meant, near, understand
from bot.listeners.words.spoken import Reply, Spoken, Word
from bot.office import Office
from bot.office.naming import agent_called
from governance.errors import NotFound

HELP = "help"


@dataclass(frozen=True, slots=True)
class Family:
    """One command with its words. `lists` can be shared and turned page by page, because to ask again changes nothing.
    An agent's name in place of a word stands for the word `of_agent`, followed by that name."""

    command: Command
    words: Mapping[str, Word]
    synonyms: Mapping[str, str]
    lists: frozenset[str]
    help_examples: tuple[str, str]  #: two words whose first example the help shows
    more: str  #: what the help ends with
    of_agent: str = ""

    def word_named(self, typed: str) -> str | None:
        """Return the word that was meant, HELP included, or None."""
        return meant(typed, (*self.words, HELP), self.synonyms)

    def read(self, office: Office, text: str) -> Said:
        """Split what was typed into the word that was meant, as it was typed where none is known, and the rest."""
        said = understand(text)
        if self.word_named(said.word) is None and self.of_agent and agent_called(office, said.word) is not None:
            return Said(self.of_agent, f"{said.word} {said.rest}".strip())
        return said

    async def speak(self, spoken: Spoken, typed: str) -> Reply:
        """Answer a word with the rest that was spoken. Raises the Refusal of whatever it asks for."""
        name = self.word_named(typed)
        if name is None:
            found = near(typed, (*self.words, HELP), self.synonyms)
            return only(helping.unknown(typed, found, self.command))
        word = self.words.get(name)
        if word is None:
            return self._help(spoken)
        if word.speak is None:
            raise NotFound(f"`{self.command} {name}` opens a form; type it as a command.")
        done = await word.speak(spoken)
        return done if isinstance(done, Reply) else only(done)

    def _help(self, spoken: Spoken) -> Reply:
        policy = spoken.office.policy.current
        about = self.word_named(understand(spoken.rest).word) if spoken.rest else None
        if about is None or about not in self.words:
            return helping.overview(self.words, policy, self.command, self.help_examples, self.more)
        return helping.about(about, self.words[about], policy, self.command)

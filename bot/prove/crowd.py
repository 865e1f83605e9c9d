"""People and an agent who use Slack and the API at once, as hastily and as contrarily as people do."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from bot.ids import Action, Block
from bot.prove.board import Board
from bot.prove.stage import PEOPLE, Stage
from bot.workspace import Message

_LOOK = 0.1  # seconds between looks at the screen
_PATIENCE = 1200.0  # a queue of cards at one a second is long

Json = dict[str, Any]
Plan = Callable[[str, Json], Awaitable[None]]


class Crowd:
    """Tells one story per request; `tried` counts what was attempted."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage, self.board, self.tried = stage, Board(stage.slack.workspace), Counter[str]()
        self._random = random.Random(seed)  # noqa: S311 - dice, not secrets
        self._hands: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._threads: list[tuple[str, str]] = []
        self.proposals: dict[str, Json] = {}
        self._plans: list[tuple[str, int, Plan]] = [
            ("prove.one", 30, self._approved), ("prove.one", 15, self._double_clicked), ("prove.one", 12, self._raced),
            ("prove.one", 8, self._rejected), ("prove.one", 8, self._by_api), ("prove.one", 8, self._api_against_click),
            ("prove.two", 8, self._two_agree), ("prove.two", 5, self._deleted_between),
            ("prove.one", 3, self._withdrawn), ("prove.brief", 3, self._ignored),
        ]  # fmt: skip

    async def open_threads(self) -> None:
        """Start a few discussions in which the agent will ask."""
        for channel in self._stage.work_channels:
            for topic in range(3):
                said = await self._stage.slack.say("U0ALICE", channel, f"Let us count, part {topic}")
                self._threads.append((channel, said.ts))

    async def story(self, number: int) -> None:
        """Propose, let people do what they do, and wait for the end."""
        ticket = f"tkt-{number:05d}"
        tool, _, plan = self._random.choices(self._plans, [weight for _, weight, _ in self._plans])[0]
        body: Json = {"tool": tool, "arguments": {"ticket": ticket}, "idempotency_key": ticket}
        if self._threads and self._random.random() < 0.6:
            channel, ts = self._random.choice(self._threads)
            body["thread"] = {"channel": channel, "thread_ts": ts}
        proposal = await self._stage.api.propose(body)
        self.proposals[proposal["proposal_id"]] = proposal
        self.tried["requests"] += 1
        await plan(ticket, proposal)
        await self._stage.api.settled(proposal["proposal_id"])

    async def _approved(self, ticket: str, _proposal: Json) -> None:
        if self._random.random() < 0.2:
            await self._press("U0MALLORY", ticket, Action.APPROVE)
        await self._press(self._anybody(), ticket, Action.APPROVE)

    async def _double_clicked(self, ticket: str, _proposal: Json) -> None:
        person = self._anybody()
        self.tried["double clicks"] += 1
        await asyncio.gather(*(self._press(person, ticket, Action.APPROVE) for _ in range(2)))

    async def _raced(self, ticket: str, _proposal: Json) -> None:
        self.tried["races"] += 1
        one, other = self._random.sample(PEOPLE, 2)
        await asyncio.gather(self._press(one, ticket, Action.APPROVE), self._reject(other, ticket))

    async def _rejected(self, ticket: str, _proposal: Json) -> None:
        await self._reject(self._anybody(), ticket)

    async def _by_api(self, ticket: str, proposal: Json) -> None:
        await self._seen(ticket, Action.APPROVE)
        await self._decide(self._anybody(), proposal)

    async def _api_against_click(self, ticket: str, proposal: Json) -> None:
        self.tried["races"] += 1
        one, other = self._random.sample(PEOPLE, 2)
        await self._seen(ticket, Action.APPROVE)
        await asyncio.gather(self._decide(one, proposal), self._press(other, ticket, Action.APPROVE))

    async def _two_agree(self, ticket: str, _proposal: Json) -> None:
        one, other = self._random.sample(PEOPLE, 2)
        await asyncio.gather(self._press(one, ticket, Action.APPROVE), self._press(other, ticket, Action.APPROVE))

    async def _deleted_between(self, ticket: str, _proposal: Json) -> None:
        one, other = self._random.sample(PEOPLE, 2)
        message = await self._seen(ticket, Action.APPROVE)
        await self._press(one, ticket, Action.APPROVE)
        if message is not None:
            self.tried["cards deleted"] += 1
            await self._stage.slack.seat.happenings.deleted("U0ADMIN", message)
        await self._press(one, ticket, Action.APPROVE)  # a second time, so that the card is drawn and found missing
        await self._press(other, ticket, Action.APPROVE)

    async def _withdrawn(self, ticket: str, proposal: Json) -> None:
        await self._seen(ticket, Action.APPROVE)
        self.tried["withdrawals"] += 1
        await asyncio.gather(
            self._stage.api.withdraw(proposal["proposal_id"]), self._press(self._anybody(), ticket, Action.APPROVE)
        )

    async def _ignored(self, _ticket: str, _proposal: Json) -> None:
        self.tried["ignored"] += 1

    def _anybody(self) -> str:
        return self._random.choice(PEOPLE)

    async def _decide(self, person: str, proposal: Json) -> None:
        self.tried["decisions by API"] += 1
        await self._stage.api.decide(self._stage.keys[person], proposal["approval"]["id"], "approve")

    async def _press(self, person: str, ticket: str, action: Action) -> None:
        """Press a button as soon as it is there, again where Slack says that nobody took it; not once it is gone."""
        while (message := await self._seen(ticket, action)) is not None:
            self.tried["clicks"] += 1
            await asyncio.sleep(self._random.random() * 0.5)
            try:
                answer = await self._stage.slack.click(person, message.snapshot(), action.value)
            except LookupError:  # it was drawn anew between the look and the finger
                continue
            if answer.status == 200:
                return
            await self._stage.child.up.wait()

    async def _reject(self, person: str, ticket: str) -> None:
        """Reject with a reason, again where the modal did not come; one person has one in front of them at a time."""
        async with self._hands[person]:
            while await self._seen(ticket, Action.REJECT) is not None:
                await self._press(person, ticket, Action.REJECT)
                if await self._submit(person):
                    return

    async def _submit(self, person: str) -> bool:
        """Fill in the modal in front of somebody; False where there is none, or nobody took it."""
        views = self._stage.slack.workspace.open_views(person)
        if not views:
            return False
        self.tried["modals"] += 1
        answer = await self._stage.slack.submit(person, views[-1], {Block.REASON.value: "not today"})
        if self._stage.slack.workspace.open_views(person):
            await self._stage.slack.close(person, views[-1], clear=True)
        return answer.status == 200

    async def _seen(self, ticket: str, action: Action) -> Message | None:
        """Wait for a card of a ticket that offers a button; None once there are cards and none offers it any more."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            if found := self.board.offering(ticket, action.value):
                return self._random.choice(found)
            if self._is_over(ticket):
                return None
            await asyncio.sleep(_LOOK)
        return None

    def _is_over(self, ticket: str) -> bool:
        return any(not message.deleted for message in self.board.cards(ticket))

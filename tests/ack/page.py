"""The tables of docs/integrity.md, made from what the tests really run: `python -m tests.ack.page` prints them."""

from agentack.findings import RULES

from tests.ack.breaking import BREAKS
from tests.ack.scenes import SCENES

MEANING = {
    1: "What arrives at the service belongs to a call that people were asked about.",
    2: "A call that was rejected, withdrawn or left unanswered never arrives.",
    3: "The agent's arguments, the card's arguments and the service's arguments are one and the same.",
    4: "One approval has one effect, however often and from however many sides it is used.",
    5: "Nothing starts after its request has expired, or a quarter of an hour after its approval where that is later.",
    6: "Proposed, shown, decided, run: in this order, and each end only once.",
    7: "What was rejected does not happen by way of another tool that people are asked about, unless they approve it.",
    8: "After an agent was paused nothing of it runs, approved or not.",
    9: "Every proposal has its card, its decision and its end; nothing has to be taken on trust.",
}


def rules() -> str:
    """Return the table of rules."""
    head = "| Rule | What it means here | Tried in | What was broken to see it fail |\n|---|---|---|---|\n"
    return head + "".join(map(_rule, MEANING))


def scenes() -> str:
    """Return the table of scenes."""
    rows = "".join(f"| `{name}` | {scene.about}. |\n" for name, scene in SCENES.items())
    return f"| Scene | What happens |\n|---|---|\n{rows}"


def _rule(number: int) -> str:
    name = f"ACK{number:03}"
    tried = ", ".join(f"`{scene}`" for scene, one in SCENES.items() if number in one.rules)
    broken = "; ".join(f"{one.about} (`{name}`)" for name, one in BREAKS.items() if one.rule == number)
    return f"| {name} {RULES[name].title} | {MEANING[number]} | {tried} | {broken} |\n"


if __name__ == "__main__":
    print(rules(), scenes(), sep="\n")

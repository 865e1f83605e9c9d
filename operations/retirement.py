"""The question whether an automation ends or goes on, with what a yes and a no do written on its card."""

from collections.abc import Mapping

from governance.automations import Actor, ActorKind
from governance.canonical import Json
from governance.expiry import spoken
from governance.policy import Policy
from governance.questions import AUTOMATION
from governance.text import cut, one_line
from operations.question import Question
from storage.tables import Automation, RequestType


def retirement_question(policy: Policy, automation: Automation, why: str, context: Mapping[str, Json]) -> Question:
    """Return the question whether an automation is retired: its owner and the admins answer it."""
    name = cut(one_line(automation.name), 120)
    length = policy.limits.default_expires_after
    kept = f"for another {spoken(length)}" if length else "without an end"
    return Question(
        RequestType.RETIREMENT_ACTION, (AUTOMATION, automation.id), f"Retire {name}",
        f"Retiring automation “{name}” stops it with its runs, and it starts nothing any more. "
        f"Keeping it lets it go on {kept}.",
        why, {"automation": automation.name, **context}, Actor(ActorKind.SYSTEM), (automation.owner,),
    )  # fmt: skip

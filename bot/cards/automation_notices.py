"""Direct messages about automations, grants and owed reviews."""

LINES = {
    "automation_created": "🆕 {by_whom} registered automation *{automation}* (`{id}`) in your name",
    "automation_paused": "⏸️ {by_whom} paused your automation *{automation}* with its runs",
    "automation_resumed": "▶️ {by_whom} resumed your automation *{automation}*",
    "automation_retired": "🏁 {by_whom} retired your automation *{automation}*: it starts nothing any more",
    "automation_extended": "⏩ {by_whom} extended your automation *{automation}*: it goes on",
    "automation_deleted": "🗑️ {by_whom} deleted your automation *{automation}*; for a week an admin can restore it",
    "automation_restored": "♻️ {by_whom} restored your automation *{automation}*",
    "automation_dependency_revoked": (
        "🛑 Your automation *{automation}* lost something it relied on, and is paused with its runs. "
        "Review it, then resume it"
    ),
    "automation_expiring": "⏳ Your automation *{automation}* expires in {left}. Say whether it is to go on",
    "automation_expired": "⌛ Your automation *{automation}* has expired and is paused. Say whether it goes on",
    "grant_given": "🔑 {by_whom} let agent *{agent}* change automation *{automation}* for a time",
    "grant_expired": "🔒 A right of agent *{agent}* has expired: {right}",
    "review_owed": "📌 Somebody has to look at this: *{title}*. <@{owner}> has owed it for {since}",
}


def whom(told: dict[str, str]) -> str:
    """Return who did it, from words that are safe to show."""
    if told.get("by_person"):
        return f"<@{told['by_person']}>"
    return f"Agent *{told['by_agent']}*" if told.get("by_agent") else "Countersign"

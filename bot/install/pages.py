"""The pages that somebody who installs the app gets to see."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from slack_bolt.response import BoltResponse

_PAGES = Path(__file__).parents[2] / "templates" / "pages"
#: The address of these pages bears a code: it goes nowhere else, and nothing from elsewhere is loaded.
_HEADERS = {
    "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
}  # fmt: skip

#: What went wrong, by Bolt's reason: what happened, and what to do.
_REASONS = {
    "access_denied": ("The installation was cancelled.", "Nothing changed. Begin again whenever you like."),
    "invalid_browser": (
        "This installation was not begun in this browser.",
        "Open /slack/install here, over https, and do not reload the page that Slack sends you back to.",
    ),
    "invalid_state": ("This installation took too long, or was finished already.", "Begin again."),
    "missing_code": ("Slack sent no code along.", "Begin again."),
    "invalid_code": (
        "Slack did not take the code, or did not answer.",
        "Begin again. If it stays so, compare SLACK_CLIENT_ID and SLACK_CLIENT_SECRET with the app's settings.",
    ),
}
_ELSE = ("Slack did not finish the installation.", "Begin again.")


def page(status: int, title: str, sentence: str, hint: str = "", *, again: bool = False) -> BoltResponse:
    """Return one page; `again` offers to begin once more."""
    body = _template().render(title=title, sentence=sentence, hint=hint, again=again)
    return BoltResponse(status=status, body=body, headers=dict(_HEADERS))


def failure_page(status: int, reason: str) -> BoltResponse:
    """Return the page about one of Bolt's reasons."""
    sentence, hint = _REASONS.get(reason, _ELSE)
    return page(status, "Not installed", sentence, hint, again=True)


@cache
def _template() -> Template:
    loaded = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined)
    return loaded.get_template("install.html.j2")

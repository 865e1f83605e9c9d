"""How the Web API says no: one exception that carries Slack's error string and what goes with it."""

from __future__ import annotations

from bot.workspace.model import Json


class SlackError(Exception):
    """A refusal in Slack's words: `{"ok": false, "error": code}` with HTTP 200 unless `status` says else.

    `messages` become `response_metadata.messages`; `more` is merged into the answer (`needed`, `provided`);
    `retry_after` (whole seconds) becomes the Retry-After header.
    """

    def __init__(
        self,
        code: str,
        messages: list[str] | None = None,
        *,
        status: int = 200,
        retry_after: int | None = None,
        more: Json | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages or []
        self.status = status
        self.retry_after = retry_after
        self.more = more or {}

    def answer(self) -> Json:
        """The JSON body."""
        body: Json = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {text}" for text in self.messages]}
            body["errors"] = list(self.messages)
        return body


def rate_limited(retry_after: int) -> SlackError:
    """Slack's answer past a limit: HTTP 429 with Retry-After in whole seconds."""
    return SlackError("ratelimited", status=429, retry_after=retry_after)

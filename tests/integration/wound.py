"""A clock that goes on by itself and can be put forward."""

from datetime import datetime, timedelta

from storage.database import utc_now


class WoundClock:
    """The present moment, plus whatever a test has added."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def forward(self, **amount: float) -> None:
        self.ahead += timedelta(**amount)

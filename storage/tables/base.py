"""What every table shares: value types both databases store alike, and constraint helpers."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import uuid_utils
from sqlalchemy import CheckConstraint, DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)

ID_LENGTH = 48
PERSON_LENGTH = 64
NAME_LENGTH = 255


def new_id(prefix: str) -> str:
    """Return a fresh id such as `prp_0197…`: a prefix and a time-ordered UUIDv7 in hex."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, comparable in both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class EnumText(TypeDecorator[E]):
    """An enum stored as its text value, so that a row reads like the wire."""

    impl = String(32)
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        return None if value is None else self.kind(value)


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that keeps a column within an enum."""
    values = ", ".join(f"'{member.value}'" for member in kind)
    return CheckConstraint(f"{column} IN ({values})", name=f"ck_{column}_known")

"""Telling operators of a trouble once in a while instead of each time."""

from datetime import timedelta
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.database import Tx
from storage.tables import Alert


async def is_news(tx: Tx, subject: str, every: timedelta) -> bool:
    """Whether a trouble has not been told of for so long; whoever hears True tells of it."""
    dialect: Any = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(Alert)
        .values(tenant=tx.tenant, subject=subject, said_at=tx.now)
        .on_conflict_do_update(
            index_elements=["tenant", "subject"], set_={"said_at": tx.now}, where=col(Alert.said_at) <= tx.now - every
        )
        .returning(col(Alert.subject))
    )
    return (await tx.session.execute(statement)).first() is not None

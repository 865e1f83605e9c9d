"""The base of every table in countersign.toml: whatever is not described is a mistake."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A table that knows its keys and refuses others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

"""Every action_id, block_id and callback_id, so that a button and its listener cannot drift apart."""

from enum import StrEnum


class Action(StrEnum):
    """Buttons on cards, in modals and on the Home tab."""

    APPROVE = "card.approve"
    REJECT = "card.reject"
    DETAILS = "card.details"
    DETAILS_PAGE_BACK = "details.back"
    DETAILS_PAGE_ON = "details.on"


class Callback(StrEnum):
    """Modals."""

    REJECT = "modal.reject"
    DETAILS = "modal.details"


class Block(StrEnum):
    """Blocks whose input is read back."""

    REASON = "reason"


class Field(StrEnum):
    """Inputs inside those blocks."""

    TEXT = "text"


class Command(StrEnum):
    """Slash commands."""

    APPROVALS = "/approvals"
    GRANTS = "/grants"
    SPEND = "/spend"
    AUTOMATIONS = "/automations"

"""Every action_id, block_id and callback_id, so that a button and its listener cannot drift apart."""

from enum import StrEnum


class Action(StrEnum):
    """Buttons on cards, in modals, in direct messages and on the Home tab."""

    APPROVE = "card.approve"
    REJECT = "card.reject"
    DEFER = "card.defer"
    DETAILS = "card.details"
    MORE = "card.more"
    AGAIN = "card.again"
    HAPPENED = "card.happened"
    DID_NOT = "card.did_not"
    RUN_AGAIN = "card.run_again"
    DETAILS_PAGE_BACK = "details.back"
    DETAILS_PAGE_ON = "details.on"
    DETAILS_FILE = "details.file"
    TOLD_DETAILS = "told.details"


class Option(StrEnum):
    """What the overflow menu of a card offers."""

    REMEMBER = "remember"
    EDIT = "edit"
    DELEGATE = "delegate"
    WITHDRAW = "withdraw"


class Callback(StrEnum):
    """Modals."""

    REJECT = "modal.reject"
    DEFER = "modal.defer"
    REMEMBER = "modal.remember"
    EDIT = "modal.edit"
    DELEGATE = "modal.delegate"
    WITHDRAW = "modal.withdraw"
    HAPPENED = "modal.happened"
    DID_NOT = "modal.did_not"
    RUN_AGAIN = "modal.run_again"
    DETAILS = "modal.details"


class Block(StrEnum):
    """Blocks whose input is read back."""

    REASON = "reason"
    PRESET = "reason_preset"
    UNTIL = "until"
    TO = "to"
    ARGUMENTS = "arguments"
    ARGUMENT = "argument"
    REMEMBER = "remember"
    PATTERN = "remember_pattern"
    RULE_UNTIL = "remember_until"
    USES = "remember_uses"
    CONFIRM = "remember_confirmed"


class Field(StrEnum):
    """Inputs inside those blocks."""

    TEXT = "text"
    MOMENT = "moment"
    PERSON = "person"
    CHOICE = "choice"
    NUMBER = "number"
    TICKED = "ticked"
    VALUE = "value"


class Command(StrEnum):
    """Slash commands."""

    APPROVALS = "/approvals"
    GRANTS = "/grants"
    SPEND = "/spend"
    AUTOMATIONS = "/automations"

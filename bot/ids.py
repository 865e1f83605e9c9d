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
    LIST_BACK = "list.back"
    LIST_ON = "list.on"
    LIST_SHARE = "list.share"
    LIST_BATCH = "list.batch"
    HOME_PAUSE = "home.pause"
    HOME_RESUME = "home.resume"
    HOME_REVOKE = "home.revoke"
    HOME_SETTINGS = "home.settings"
    HOME_AWAY = "home.away"
    HOME_BACK = "home.back"
    HOME_GIVE = "home.give"
    HOME_UNGRANT = "home.ungrant"
    HOME_EXTEND = "home.extend"
    HOME_RETIRE = "home.retire"


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
    BATCH = "modal.batch"
    SETTINGS = "modal.settings"
    AWAY = "modal.away"
    PAUSE = "modal.pause"
    RESUME = "modal.resume"
    GIVE = "modal.give"
    EXTEND = "modal.extend"
    RETIRE = "modal.retire"


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
    BATCH = "batch"  #: the first of several; the others add a number
    DIGEST_HOUR = "digest_hour"
    QUIET_FROM = "quiet_from"
    QUIET_TO = "quiet_to"
    AGENT = "agent"
    RIGHT = "right"
    HOURS = "hours"


class Field(StrEnum):
    """Inputs inside those blocks."""

    TEXT = "text"
    MOMENT = "moment"
    PERSON = "person"
    CHOICE = "choice"
    NUMBER = "number"
    TICKED = "ticked"
    TIME = "time"
    VALUE = "value"


class Command(StrEnum):
    """Slash commands."""

    APPROVALS = "/approvals"
    GRANTS = "/grants"
    SPEND = "/spend"
    AUTOMATIONS = "/automations"

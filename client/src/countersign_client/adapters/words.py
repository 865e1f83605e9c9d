"""What a model reads instead of a result."""

from countersign_client.outcomes import StillPending, Unsuccessful

#: What became of a call that its model should read and go on from; anything else is trouble, and raised.
TOLD = (Unsuccessful, StillPending)


def told(outcome: Unsuccessful | StillPending) -> str:
    """Return the sentence for the model. A person's reason stands in it in quotation marks, as data."""
    return f"The call did not happen as asked: {outcome}."

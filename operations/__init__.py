"""The verbs. One function = one transaction = one row change + its audit entry + what it owes the outside."""

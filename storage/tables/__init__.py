"""All tables. Importing this module fills `metadata`, which the migrations are checked against."""

from sqlmodel import SQLModel

from storage.tables.access import ApiKey, Installation, KeyKind, Nonce, Role
from storage.tables.approvals import ApprovalRequest, Door, RequestType, Review
from storage.tables.audit import AuditEntry, AuditSeal, Sequencer
from storage.tables.delivery import OutboxMessage, OutboxStatus, Rendering, Surface, SurfaceStatus
from storage.tables.executions import Execution
from storage.tables.proposals import Proposal

metadata = SQLModel.metadata

__all__ = [
    "ApiKey",
    "ApprovalRequest",
    "AuditEntry",
    "AuditSeal",
    "Door",
    "Execution",
    "Installation",
    "KeyKind",
    "Nonce",
    "OutboxMessage",
    "OutboxStatus",
    "Proposal",
    "Rendering",
    "RequestType",
    "Review",
    "Role",
    "Sequencer",
    "Surface",
    "SurfaceStatus",
    "metadata",
]

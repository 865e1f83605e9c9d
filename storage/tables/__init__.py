"""All tables. Importing this module fills `metadata`, which the migrations are checked against."""

from sqlmodel import SQLModel

from governance.roles import Role
from storage.tables.aap import AapInstance, AapInstanceChange, AapProvisioner, AapRequest
from storage.tables.access import ApiKey, Installation, KeyKind, Nonce
from storage.tables.alerts import Alert
from storage.tables.approvals import ApprovalRequest, Delegation, Door, RequestType, Review
from storage.tables.audit import AuditEntry, AuditSeal, Sequencer
from storage.tables.automations import (
    AgentReview,
    Automation,
    AutomationFinding,
    AutomationRun,
    Grant,
    LimitsInForce,
    OwedReview,
    RunEvent,
    SpendReport,
    SpendStop,
    SpendWindow,
)
from storage.tables.delivery import OutboxMessage, OutboxStatus, Rendering, Surface, SurfaceStatus
from storage.tables.executions import Execution
from storage.tables.foldings import Folding
from storage.tables.home import Home
from storage.tables.inbox import InboxEvent, InboxStatus
from storage.tables.installations import OAuthState, SlackInstallation
from storage.tables.people import Preference
from storage.tables.proposals import Proposal
from storage.tables.rules import Rule
from storage.tables.standing import AutonomyCount, Budget, Standing, StandingKind
from storage.tables.trust import TrustRecord
from storage.tables.webhooks import DeliveryStatus, WebhookDelivery, WebhookEndpoint

metadata = SQLModel.metadata

__all__ = [
    "AapInstance",
    "AapInstanceChange",
    "AapProvisioner",
    "AapRequest",
    "AgentReview",
    "Alert",
    "ApiKey",
    "ApprovalRequest",
    "AuditEntry",
    "AuditSeal",
    "Automation",
    "AutomationFinding",
    "AutomationRun",
    "AutonomyCount",
    "Budget",
    "Delegation",
    "DeliveryStatus",
    "Door",
    "Execution",
    "Folding",
    "Grant",
    "Home",
    "InboxEvent",
    "InboxStatus",
    "Installation",
    "KeyKind",
    "LimitsInForce",
    "Nonce",
    "OAuthState",
    "OutboxMessage",
    "OutboxStatus",
    "OwedReview",
    "Preference",
    "Proposal",
    "Rendering",
    "RequestType",
    "Review",
    "Role",
    "Rule",
    "RunEvent",
    "Sequencer",
    "SlackInstallation",
    "SpendReport",
    "SpendStop",
    "SpendWindow",
    "Standing",
    "StandingKind",
    "Surface",
    "SurfaceStatus",
    "TrustRecord",
    "WebhookDelivery",
    "WebhookEndpoint",
    "metadata",
]

"""Automations, their runs and findings, grants, owed reviews and spend; what a governance request is about."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_reviews",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("created_since_review", sa.Integer(), nullable=False),
        sa.Column("review_required", sa.Boolean(), nullable=False),
        sa.Column("review_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_request_id", sa.String(length=48), nullable=True),
        sa.Column("last_reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "agent_id"),
    )
    op.create_table(
        "automations",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("schedule", sa.String(length=255), nullable=True),
        sa.Column("tools", sa.JSON(), nullable=True),
        sa.Column("agents", sa.JSON(), nullable=False),
        sa.Column("creates_agents", sa.Boolean(), nullable=False),
        sa.Column("modifies_grants", sa.Boolean(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("creator_kind", sa.String(length=32), nullable=False),
        sa.Column("creator_id", sa.String(length=255), nullable=True),
        sa.Column("chain", sa.JSON(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_by", sa.String(length=255), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiry_warned", sa.Integer(), nullable=False),
        sa.Column("expiry_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retire_reason", sa.Text(), nullable=True),
        sa.Column("paused_for_lifecycle", sa.Boolean(), nullable=False),
        sa.Column("creation_paused", sa.Boolean(), nullable=False),
        sa.Column("review_required", sa.Boolean(), nullable=False),
        sa.Column("review_kind", sa.String(length=32), nullable=True),
        sa.Column("review_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_request_id", sa.String(length=48), nullable=True),
        sa.Column("last_reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("runs_since_review", sa.Integer(), nullable=False),
        sa.Column("health_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("health_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=255), nullable=True),
        sa.Column("purge_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("creator_kind IN ('human', 'agent', 'system')", name="ck_creator_kind_known"),
        sa.CheckConstraint(
            "review_kind IN ('creation_quota', 'run_drift', 'health_drift', 'expiration_soon', 'expired', 'dependency_revoked', 'retired')",
            name="ck_review_kind_known",
        ),
        sa.CheckConstraint("status IN ('active', 'paused', 'draft')", name="ck_status_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_automations_creator",
        "automations",
        ["tenant", "creator_kind", "creator_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_automations_expiry",
        "automations",
        ["expiry_due_at"],
        unique=False,
        sqlite_where=sa.text("expiry_due_at IS NOT NULL"),
        postgresql_where=sa.text("expiry_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_automations_health",
        "automations",
        ["health_due_at"],
        unique=False,
        sqlite_where=sa.text("health_due_at IS NOT NULL"),
        postgresql_where=sa.text("health_due_at IS NOT NULL"),
    )
    op.create_index("ix_automations_owner", "automations", ["tenant", "owner", "created_at", "id"], unique=False)
    op.create_index("ix_automations_newest", "automations", ["tenant", "created_at", "id"], unique=False)
    op.create_index(
        "ix_automations_purge",
        "automations",
        ["purge_at"],
        unique=False,
        sqlite_where=sa.text("purge_at IS NOT NULL"),
        postgresql_where=sa.text("purge_at IS NOT NULL"),
    )
    op.create_index(
        "ix_automations_review",
        "automations",
        ["tenant", "review_requested_at", "id"],
        unique=False,
        sqlite_where=sa.text("review_required"),
        postgresql_where=sa.text("review_required"),
    )
    op.create_table(
        "limits_in_force",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_index(
        "ix_proposals_of_run",
        "proposals",
        ["tenant", "run_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("run_id IS NOT NULL"),
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_table(
        "spend_reports",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("report_id", sa.String(length=255), nullable=False),
        sa.Column("run_id", sa.String(length=48), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "agent_id", "report_id"),
    )
    op.create_index("ix_spend_reports_age", "spend_reports", ["at"], unique=False)
    op.create_table(
        "spend_stops",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_spend_stops_due",
        "spend_stops",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ux_spend_stops_one_each",
        "spend_stops",
        ["tenant", "agent_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "spend_windows",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("span", sa.String(length=16), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("total_tokens", sa.BigInteger(), nullable=False),
        sa.Column("last_run_id", sa.String(length=48), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "agent_id", "span", "start"),
    )
    op.create_table(
        "automation_findings",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("automation_id", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=48), nullable=True),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("severity IN ('info', 'warning', 'critical')", name="ck_severity_known"),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_findings_of_automation", "automation_findings", ["automation_id", "observed_at"], unique=False)
    op.create_table(
        "automation_runs",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("automation_id", sa.String(length=48), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("stop_kind", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("outputs", sa.Text(), nullable=True),
        sa.Column("stopped_for", sa.String(length=255), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval', 'completed', 'blocked', 'failed', 'cancelled')",
            name="ck_status_known",
        ),
        sa.CheckConstraint(
            "stop_kind IN ('cancelled', 'operator_stopped', 'guardrail_stopped', 'panic', 'shutdown', 'server_restart', 'stale_reaped')",
            name="ck_stop_kind_known",
        ),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_runs_of_automation", "automation_runs", ["automation_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_runs_open_of",
        "automation_runs",
        ["automation_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')"),
        postgresql_where=sa.text("status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')"),
    )
    op.create_index(
        "ix_runs_open",
        "automation_runs",
        ["tenant", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')"),
        postgresql_where=sa.text("status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')"),
    )
    op.create_index(
        "ix_runs_stopped",
        "automation_runs",
        ["tenant", "stopped_for"],
        unique=False,
        sqlite_where=sa.text("stopped_for IS NOT NULL"),
        postgresql_where=sa.text("stopped_for IS NOT NULL"),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("automation_id", sa.String(length=48), nullable=True),
        sa.Column("capability", sa.String(length=255), nullable=True),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(kind = 'modify') = (automation_id IS NOT NULL)", name="ck_grant_of_something"),
        sa.CheckConstraint("kind IN ('modify', 'capability')", name="ck_kind_known"),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_grants_expiry",
        "grants",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_grants_newest", "grants", ["tenant", "created_at", "id"], unique=False)
    op.create_index("ix_grants_of_agent", "grants", ["tenant", "agent_id", "created_at"], unique=False)
    op.create_index("ix_grants_of_automation", "grants", ["automation_id"], unique=False)
    op.create_table(
        "automation_run_events",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["automation_runs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_run_events", "automation_run_events", ["run_id", "at", "id"], unique=False)
    op.create_table(
        "owed_reviews",
        sa.Column("request_id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("nudge_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approval_requests.id"],
        ),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index(
        "ix_owed_reviews_nudge",
        "owed_reviews",
        ["nudge_at"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index("ix_owed_reviews_person", "owed_reviews", ["tenant", "person", "since"], unique=False)
    op.add_column("approval_requests", sa.Column("target_type", sa.String(length=32), nullable=True))
    op.add_column("approval_requests", sa.Column("target_id", sa.String(length=255), nullable=True))
    op.add_column("approval_requests", sa.Column("asked_key", sa.String(length=80), nullable=True))
    op.add_column("approval_requests", sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_requests_target",
        "approval_requests",
        ["tenant", "target_type", "target_id", "request_type"],
        unique=False,
        sqlite_where=sa.text("target_id IS NOT NULL"),
        postgresql_where=sa.text("target_id IS NOT NULL"),
    )
    op.create_index(
        "ix_requests_questions",
        "approval_requests",
        ["tenant", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("target_id IS NOT NULL"),
        postgresql_where=sa.text("target_id IS NOT NULL"),
    )
    op.create_index(
        "ux_requests_asked_once",
        "approval_requests",
        ["tenant", "asked_key"],
        unique=True,
        sqlite_where=sa.text("asked_key IS NOT NULL AND status IN ('pending', 'deferred')"),
        postgresql_where=sa.text("asked_key IS NOT NULL AND status IN ('pending', 'deferred')"),
    )

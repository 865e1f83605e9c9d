"""Webhooks: endpoints and deliveries; which key a key was rotated to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("endpoint_id", sa.String(length=48), nullable=False),
        sa.Column("message_id", sa.String(length=48), nullable=False),
        sa.Column("replay", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('queued', 'delivered', 'dead')", name="ck_status_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_webhook_deliveries_newest", "webhook_deliveries", ["endpoint_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_attempt_at", "place"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_webhook_deliveries_dead",
        "webhook_deliveries",
        ["endpoint_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'dead' AND replayed_at IS NULL"),
        postgresql_where=sa.text("status = 'dead' AND replayed_at IS NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_forgotten",
        "webhook_deliveries",
        ["forget_at"],
        unique=False,
        sqlite_where=sa.text("forget_at IS NOT NULL"),
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.create_index(
        "ux_webhook_deliveries_one_each",
        "webhook_deliveries",
        ["endpoint_id", "place"],
        unique=True,
        sqlite_where=sa.text("place > 0 AND replay = 0"),
        postgresql_where=sa.text("place > 0 AND replay = 0"),
    )
    op.create_index("ux_webhook_deliveries_replay", "webhook_deliveries", ["message_id", "replay"], unique=True)
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("agents", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_why", sa.Text(), nullable=True),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhook_endpoints_newest", "webhook_endpoints", ["tenant", "created_at", "id"], unique=False)
    op.create_index(
        "ix_webhook_endpoints_rotated",
        "webhook_endpoints",
        ["previous_until"],
        unique=False,
        sqlite_where=sa.text("previous_until IS NOT NULL"),
        postgresql_where=sa.text("previous_until IS NOT NULL"),
    )
    op.add_column("api_keys", sa.Column("replaced_by", sa.String(length=48), nullable=True))

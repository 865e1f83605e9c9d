"""The first schema, and the triggers that keep the audit record insert-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_AUDIT = ("audit_entries", "audit_seals", "trust_records")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('agent', 'operator')", name="ck_kind_known"),
        sa.CheckConstraint("role IN ('reviewer', 'operator', 'admin')", name="ck_role_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=True),
        sa.Column("proposal_id", sa.String(length=48), nullable=True),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("execution_id", sa.String(length=48), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_audit_entries_proposal_id"), "audit_entries", ["proposal_id"], unique=False)
    op.create_table(
        "audit_seals",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("chain_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "chain_index"),
        sa.UniqueConstraint("entry_id"),
    )
    op.create_table(
        "autonomy_counts",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("span", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("span IN ('hour', 'day')", name="ck_span_known"),
        sa.CheckConstraint("used >= 0", name="ck_used_counted"),
        sa.PrimaryKeyConstraint("tenant", "agent_id", "span", "starts_at"),
    )
    op.create_table(
        "foldings",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("agent_name", sa.String(length=255), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alone", sa.Integer(), nullable=False),
        sa.Column("alone_failed", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("counted_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("ts", sa.String(length=32), nullable=True),
        sa.Column("desired", sa.Integer(), nullable=False),
        sa.Column("rendered", sa.Integer(), nullable=False),
        sa.Column("reposts", sa.Integer(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('new', 'posting', 'posted', 'gone')", name="ck_status_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_foldings_stale",
        "foldings",
        ["tenant", "id"],
        unique=False,
        sqlite_where=sa.text("desired > rendered"),
        postgresql_where=sa.text("desired > rendered"),
    )
    op.create_index(
        "ux_foldings_one_open",
        "foldings",
        ["tenant", "person", "agent_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "homes",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("desired", sa.Integer(), nullable=False),
        sa.Column("rendered", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.String(length=64), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buttons", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person"),
    )
    op.create_index("ix_homes_opened", "homes", ["tenant", "opened_at"], unique=False)
    op.create_table(
        "inbox_events",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("said", sa.String(length=255), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.Column("meaning", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("ts", sa.String(length=32), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("meaning IN ('approve', 'reject', 'qualified')", name="ck_meaning_known"),
        sa.CheckConstraint("status IN ('queued', 'working', 'done', 'dead')", name="ck_status_known"),
        sa.CheckConstraint("way IN ('reply', 'reaction')", name="ck_way_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_inbox_age", "inbox_events", ["received_at"], unique=False)
    op.create_index(
        "ix_inbox_due",
        "inbox_events",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_inbox_leases",
        "inbox_events",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'working'"),
        postgresql_where=sa.text("status = 'working'"),
    )
    op.create_index("ux_inbox_said_once", "inbox_events", ["tenant", "said"], unique=True)
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "nonces",
        sa.Column("key_id", sa.String(length=48), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "nonce"),
    )
    op.create_index("ix_nonces_age", "nonces", ["seen_at"], unique=False)
    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_index("ix_oauth_states_age", "oauth_states", ["expires_at"], unique=False)
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("held_for", sa.String(length=64), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('queued', 'sending', 'sent', 'dead')", name="ck_status_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox_messages",
        ["next_attempt_at", "priority"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_outbox_held",
        "outbox_messages",
        ["tenant", "held_for"],
        unique=False,
        sqlite_where=sa.text("status = 'queued' AND held_for IS NOT NULL"),
        postgresql_where=sa.text("status = 'queued' AND held_for IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_leases",
        "outbox_messages",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        "ux_outbox_coalesced",
        "outbox_messages",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        "preferences",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("tz", sa.String(length=64), nullable=True),
        sa.Column("digest_hour", sa.Integer(), nullable=True),
        sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_to", sa.Integer(), nullable=True),
        sa.Column("away_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("away_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delegate", sa.String(length=64), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("digest_hour BETWEEN 0 AND 23", name="ck_digest_hour_of_day"),
        sa.CheckConstraint("quiet_from BETWEEN 0 AND 1439", name="ck_quiet_from_of_day"),
        sa.CheckConstraint("quiet_to BETWEEN 0 AND 1439", name="ck_quiet_to_of_day"),
        sa.PrimaryKeyConstraint("tenant", "person"),
    )
    op.create_index(
        "ix_preferences_away",
        "preferences",
        ["tenant"],
        unique=False,
        sqlite_where=sa.text("away_since IS NOT NULL"),
        postgresql_where=sa.text("away_since IS NOT NULL"),
    )
    op.create_index(
        "ix_preferences_digest",
        "preferences",
        ["digest_at"],
        unique=False,
        sqlite_where=sa.text("digest_at IS NOT NULL"),
        postgresql_where=sa.text("digest_at IS NOT NULL"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("agent_name", sa.String(length=255), nullable=False),
        sa.Column("creator", sa.String(length=64), nullable=False),
        sa.Column("requester", sa.String(length=64), nullable=True),
        sa.Column("tool", sa.String(length=255), nullable=False),
        sa.Column("tool_version", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("action_class", sa.String(length=255), nullable=False),
        sa.Column("connector", sa.String(length=32), nullable=False),
        sa.Column("risk", sa.String(length=32), nullable=True),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("proposed_arguments", sa.Text(), nullable=True),
        sa.Column("sealed_secrets", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("call_hash", sa.String(length=80), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("claim_key", sa.String(length=271), nullable=True),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("trace_id", sa.String(length=255), nullable=True),
        sa.Column("automation_id", sa.String(length=255), nullable=True),
        sa.Column("run_id", sa.String(length=255), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("thread_channel", sa.String(length=64), nullable=True),
        sa.Column("thread_ts", sa.String(length=32), nullable=True),
        sa.Column("consequence", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("rule_id", sa.String(length=48), nullable=True),
        sa.Column("problems", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('allowed', 'pending', 'suggested', 'shadowed', 'denied', 'rejected', 'expired', 'withdrawn', 'succeeded', 'failed', 'unknown', 'invalidated')",
            name="ck_state_known",
        ),
        sa.CheckConstraint(
            "tier IN ('shadow', 'suggest', 'act_with_approval', 'act_and_notify', 'act_auto')", name="ck_tier_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_proposals_newest", "proposals", ["tenant", "created_at", "id"], unique=False)
    op.create_index("ix_proposals_of_tool", "proposals", ["tenant", "agent_id", "tool", "created_at"], unique=False)
    op.create_index(
        "ix_proposals_open",
        "proposals",
        ["tenant", "agent_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_proposals_open_call",
        "proposals",
        ["tenant", "agent_id", "call_hash"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ux_proposals_claim",
        "proposals",
        ["tenant", "agent_id", "claim_key"],
        unique=True,
        sqlite_where=sa.text("claim_key IS NOT NULL"),
        postgresql_where=sa.text("claim_key IS NOT NULL"),
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("tool", sa.String(length=255), nullable=False),
        sa.Column("tool_version", sa.String(length=80), nullable=True),
        sa.Column("effect", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("pattern_hash", sa.String(length=64), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudge_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=255), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint("effect IN ('allow', 'deny')", name="ck_effect_known"),
        sa.CheckConstraint("scope IN ('session', 'forever')", name="ck_scope_known"),
        sa.CheckConstraint("uses >= 0", name="ck_uses_counted"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_rules_nudge",
        "rules",
        ["nudge_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ux_rules_one_each",
        "rules",
        ["tenant", "agent_id", "tool", "pattern_hash", "scope", "session_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sequencer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "slack_installations",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("team_name", sa.String(length=255), nullable=False),
        sa.Column("enterprise_id", sa.String(length=64), nullable=True),
        sa.Column("app_id", sa.String(length=64), nullable=False),
        sa.Column("bot_id", sa.String(length=64), nullable=False),
        sa.Column("bot_user_id", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        sa.Column("installed_by", sa.String(length=64), nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(sealed_token IS NULL) = (removed_at IS NOT NULL)", name="ck_token_while_installed"),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "standings",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=True),
        sa.Column("replaces", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposal_id", sa.String(length=48), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind IN ('pause', 'tier')", name="ck_kind_known"),
        sa.CheckConstraint(
            "replaces IN ('shadow', 'suggest', 'act_with_approval', 'act_and_notify', 'act_auto')",
            name="ck_replaces_known",
        ),
        sa.CheckConstraint(
            "tier IN ('shadow', 'suggest', 'act_with_approval', 'act_and_notify', 'act_auto')", name="ck_tier_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ux_standings_one_each",
        "standings",
        ["tenant", "agent_id", "kind", "target"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "trust_records",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("chain_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.String(length=48), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=255), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=False),
        sa.Column("trace_id", sa.String(length=255), nullable=False),
        sa.Column("proposal_id", sa.String(length=48), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("entry_hash", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "tier IN ('shadow', 'suggest', 'act_with_approval', 'act_and_notify', 'act_auto')", name="ck_tier_known"
        ),
        sa.PrimaryKeyConstraint("tenant", "chain_index"),
        sa.UniqueConstraint("entry_id"),
        sa.UniqueConstraint("record_id"),
    )
    op.create_index("ix_trust_of_agent", "trust_records", ["tenant", "agent_id", "chain_index"], unique=False)
    op.create_index("ix_trust_of_trace", "trust_records", ["tenant", "trace_id"], unique=False)
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("proposal_id", sa.String(length=48), nullable=False),
        sa.Column("request_type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("reviewers", sa.JSON(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("requester", sa.String(length=64), nullable=True),
        sa.Column("barred", sa.String(length=64), nullable=True),
        sa.Column("editor", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.Column("reopen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_to", sa.JSON(), nullable=False),
        sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_via", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("decided_via IN ('slack', 'api', 'system')", name="ck_decided_via_known"),
        sa.CheckConstraint(
            "request_type IN ('tool_call', 'capability_request', 'external_post', 'quota_override', 'lifecycle_review', 'elevated_capability', 'depth_override', 'retirement_action')",
            name="ck_request_type_known",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'deferred', 'approved', 'rejected', 'expired', 'withdrawn')", name="ck_status_known"
        ),
        sa.CheckConstraint("quorum >= 1", name="ck_quorum_positive"),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(("ix_approval_requests_proposal_id"), "approval_requests", ["proposal_id"], unique=False)
    op.create_index(
        "ix_requests_escalation",
        "approval_requests",
        ["escalate_at"],
        unique=False,
        sqlite_where=sa.text("escalate_at IS NOT NULL"),
        postgresql_where=sa.text("escalate_at IS NOT NULL"),
    )
    op.create_index(
        "ix_requests_expiry",
        "approval_requests",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'deferred')"),
        postgresql_where=sa.text("status IN ('pending', 'deferred')"),
    )
    op.create_index("ix_requests_newest", "approval_requests", ["tenant", "created_at", "id"], unique=False)
    op.create_index(
        "ix_requests_open",
        "approval_requests",
        ["tenant", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'deferred')"),
        postgresql_where=sa.text("status IN ('pending', 'deferred')"),
    )
    op.create_index(
        "ix_requests_reopen",
        "approval_requests",
        ["reopen_at"],
        unique=False,
        sqlite_where=sa.text("reopen_at IS NOT NULL"),
        postgresql_where=sa.text("reopen_at IS NOT NULL"),
    )
    op.create_index(
        "ix_requests_soonest",
        "approval_requests",
        ["tenant", "expires_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'deferred')"),
        postgresql_where=sa.text("status IN ('pending', 'deferred')"),
    )
    op.create_index(
        "ix_requests_warning",
        "approval_requests",
        ["warn_at"],
        unique=False,
        sqlite_where=sa.text("warn_at IS NOT NULL"),
        postgresql_where=sa.text("warn_at IS NOT NULL"),
    )
    op.create_index(
        "ux_requests_one_open",
        "approval_requests",
        ["proposal_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'deferred')"),
        postgresql_where=sa.text("status IN ('pending', 'deferred')"),
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("proposal_id", sa.String(length=48), nullable=False),
        sa.Column("tool", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=False),
        sa.Column("unasked", sa.Boolean(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("maybe_ran", sa.Boolean(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'unknown', 'invalidated')", name="ck_status_known"
        ),
        sa.CheckConstraint(
            "tier IN ('shadow', 'suggest', 'act_with_approval', 'act_and_notify', 'act_auto')", name="ck_tier_known"
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_executions_due",
        "executions",
        ["unasked", "next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_executions_leases",
        "executions",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index("ix_executions_of_tool", "executions", ["tenant", "tool", "started_at"], unique=False)
    op.create_index(("ix_executions_proposal_id"), "executions", ["proposal_id"], unique=False)
    op.create_index(
        "ux_executions_one_open",
        "executions",
        ["proposal_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('queued', 'running')"),
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "ux_executions_one_success",
        "executions",
        ["proposal_id"],
        unique=True,
        sqlite_where=sa.text("status = 'succeeded'"),
        postgresql_where=sa.text("status = 'succeeded'"),
    )
    op.create_table(
        "surfaces",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("proposal_id", sa.String(length=48), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("thread_ts", sa.String(length=32), nullable=True),
        sa.Column("ts", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("desired", sa.Integer(), nullable=False),
        sa.Column("rendered", sa.Integer(), nullable=False),
        sa.Column("reposts", sa.Integer(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('new', 'posting', 'posted', 'gone')", name="ck_status_known"),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_surfaces_message", "surfaces", ["channel", "ts"], unique=False)
    op.create_index(
        "ix_surfaces_posting",
        "surfaces",
        ["channel"],
        unique=False,
        sqlite_where=sa.text("status = 'posting'"),
        postgresql_where=sa.text("status = 'posting'"),
    )
    op.create_index(("ix_surfaces_proposal_id"), "surfaces", ["proposal_id"], unique=False)
    op.create_index(
        "ix_surfaces_stale",
        "surfaces",
        ["tenant", "id"],
        unique=False,
        sqlite_where=sa.text("desired > rendered"),
        postgresql_where=sa.text("desired > rendered"),
    )
    op.create_index("ix_surfaces_thread", "surfaces", ["channel", "thread_ts"], unique=False)
    op.create_index(
        "ux_surfaces_one_each",
        "surfaces",
        ["proposal_id", "person"],
        unique=True,
        sqlite_where=sa.text("person IS NOT NULL AND status <> 'gone'"),
        postgresql_where=sa.text("person IS NOT NULL AND status <> 'gone'"),
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=48), nullable=False),
        sa.Column("giver", sa.String(length=64), nullable=False),
        sa.Column("taker", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("is_cover", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approval_requests.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ux_delegations_one_each",
        "delegations",
        ["request_id", "giver"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "renderings",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("surface_id", sa.String(length=48), nullable=True),
        sa.Column("proposal_id", sa.String(length=48), nullable=False),
        sa.Column("request_id", sa.String(length=48), nullable=True),
        sa.Column("request_version", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.String(length=48), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approval_requests.id"],
        ),
        sa.ForeignKeyConstraint(
            ["surface_id"],
            ["surfaces.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(("ix_renderings_surface_id"), "renderings", ["surface_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=48), nullable=False),
        sa.Column("request_version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("remember", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("via", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("remember IN ('once', 'session', 'forever')", name="ck_remember_known"),
        sa.CheckConstraint("verdict IN ('approve', 'reject', 'defer')", name="ck_verdict_known"),
        sa.CheckConstraint("via IN ('slack', 'api', 'system')", name="ck_via_known"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approval_requests.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ux_reviews_one_each",
        "reviews",
        ["request_id", "reviewer"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )

    _refuse_changes(op.get_bind().dialect.name)


def _refuse_changes(dialect: str) -> None:
    """Refuse UPDATE, DELETE and replacing inserts on the audit tables: a guard against accidents, not against owners."""
    if dialect == "sqlite":
        for table in _AUDIT:
            _refuse_on_sqlite(table)
        return
    op.execute(
        "CREATE FUNCTION countersign_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit record is insert-only'; END $$"
    )
    for table in _AUDIT:
        op.execute(
            f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change()"
        )


def _refuse_on_sqlite(table: str) -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit record is insert-only'); END"
    place = "(tenant = NEW.tenant AND chain_index = NEW.chain_index) OR entry_id = NEW.entry_id"
    key = {
        "audit_entries": "id = NEW.id",
        "audit_seals": place,
        "trust_records": f"{place} OR record_id = NEW.record_id",
    }
    op.execute(f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {refuse}")
    op.execute(  # INSERT OR REPLACE deletes without firing the trigger above
        f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key[table]}) {refuse}"
    )

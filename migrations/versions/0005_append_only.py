"""What the books promise: balanced transfers, nothing rewritten, a role that may do no more."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("ledger.account", "ledger.transfer", "ledger.entry", "audit.event")
APPLICATION = "voucher_app"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append only', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()"
        )
    # The legs of a transfer add up to nothing, and there are at least two. Deferred, so that a
    # transfer and its entries may be written by several statements of one transaction.
    op.execute(
        """
        CREATE FUNCTION ledger.check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            transfer bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
            legs bigint;
            total numeric;
        BEGIN
            SELECT count(*), coalesce(sum(amount_fen), 0) INTO legs, total
            FROM ledger.entry WHERE transfer_id = transfer;
            IF legs < 2 OR total <> 0 THEN
                RAISE EXCEPTION 'transfer % has % legs that add up to %', transfer, legs, total
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table, column in (("transfer", "id"), ("entry", "transfer_id")):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger.{table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            f" EXECUTE FUNCTION ledger.check_balanced('{column}')"
        )
    op.execute(f"GRANT USAGE ON SCHEMA public, ledger, audit TO {APPLICATION}")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APPLICATION}"
    )
    op.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ledger, audit TO {APPLICATION}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, ledger, audit TO {APPLICATION}")


def downgrade() -> None:
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public, ledger, audit FROM {APPLICATION}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public, ledger, audit FROM {APPLICATION}")
    op.execute(f"REVOKE USAGE ON SCHEMA ledger, audit FROM {APPLICATION}")
    for table in ("transfer", "entry"):
        op.execute(f"DROP TRIGGER balanced ON ledger.{table}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION ledger.check_balanced()")
    op.execute("DROP FUNCTION ledger.refuse_change()")

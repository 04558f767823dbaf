"""Evidence of sales, and reviews by batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"

APPLICATION = "voucher_app"
BATCH, LINE, SEED, REVIEW, PROOF = (
    "review_batch",
    "review_line",
    "review_seed",
    "sale_review",
    "sale_evidence",
)
SALE = "trade_in_sale.redemption_id"


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def whole(name: str, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=default)


def word(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(40), nullable=False)


def words(name: str, *, nullable: bool = False, empty: bool = False) -> sa.Column[object]:
    default = "" if empty else None
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    _batches()
    _lines()
    _seeds()
    _reviews()
    _proofs()
    every = ", ".join((BATCH, LINE, SEED, REVIEW, PROOF))
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {every} TO {APPLICATION}")


def _batches() -> None:
    op.create_table(
        BATCH,
        id("id"),
        word("subject"),
        word("way"),
        word("status"),
        words("area"),
        words("title"),
        id("merchant_id", nullable=True),
        sa.Column("period_on", sa.Date(), nullable=False),
        whole("weight"),
        whole("tolerated_bps"),
        whole("confidence_bps"),
        whole("widenings"),
        whole("count"),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        words("list_sha256"),
        words("seed", nullable=True),
        instant("seed_committed_at", nullable=True),
        id("made_by", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.UniqueConstraint(
            "merchant_id",
            "area",
            "way",
            "period_on",
            name=op.f(f"uq_{BATCH}_merchant_id_area_way_period_on"),
        ),
        check(BATCH, "merchant", "(subject = 'sale') = (merchant_id IS NOT NULL)"),
        check(BATCH, "seed", "(way = 'sample') = (seed IS NOT NULL)"),
        check(BATCH, "committed", "num_nulls(seed, seed_committed_at) IN (0, 2)"),
        check(BATCH, "before", "seed_committed_at <= occurred_at"),
        refers(BATCH, "merchant_id", "merchant.id"),
        refers(BATCH, "made_by", "staff.id"),
        key(BATCH, "id"),
    )
    columns = ["subject", "status", "weight", "occurred_at", "id"]
    op.create_index(op.f(f"ix_{BATCH}_{'_'.join(columns)}"), BATCH, columns)


def _lines() -> None:
    op.create_table(
        LINE,
        id("batch_id"),
        id("subject_id"),
        whole("place"),
        whole("weight"),
        sa.Column("good", sa.Boolean(), nullable=True),
        words("reason", empty=True),
        id("reviewed_by", nullable=True),
        instant("reviewed_at", nullable=True),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        recorded_at(),
        sa.UniqueConstraint("batch_id", "place", name=op.f(f"uq_{LINE}_batch_id_place")),
        check(LINE, "reviewed", "num_nulls(good, reviewed_by, reviewed_at) IN (0, 3)"),
        check(LINE, "released", "NOT released OR good IS DISTINCT FROM false"),
        refers(LINE, "batch_id", f"{BATCH}.id"),
        refers(LINE, "reviewed_by", "staff.id"),
        key(LINE, "batch_id", "subject_id"),
    )
    op.create_index(op.f(f"ix_{LINE}_subject_id"), LINE, ["subject_id"])


def _seeds() -> None:
    op.create_table(
        SEED,
        id("id"),
        id("merchant_id", nullable=True),
        words("area"),
        words("seed"),
        words("sha256"),
        id("batch_id", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        refers(SEED, "merchant_id", "merchant.id"),
        refers(SEED, "batch_id", f"{BATCH}.id"),
        key(SEED, "id"),
    )
    op.create_index(
        f"uq_{SEED}_next",
        SEED,
        ["merchant_id", "area"],
        unique=True,
        postgresql_where=sa.text("batch_id IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def _reviews() -> None:
    op.create_table(
        REVIEW,
        id("id"),
        id("merchant_id"),
        id("shop_id"),
        words("area"),
        word("category"),
        word("status"),
        instant("sold_at"),
        instant("due_at"),
        instant("completed_at", nullable=True),
        id("batch_id", nullable=True),
        words("reason", empty=True),
        instant("refused_at", nullable=True),
        instant("answer_until", nullable=True),
        whole("answers", "0"),
        instant("released_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        check(REVIEW, "released", "(status = 'released') = (released_at IS NOT NULL)"),
        check(
            REVIEW,
            "batch",
            "status NOT IN ('batched', 'released', 'refused') OR batch_id IS NOT NULL",
        ),
        check(REVIEW, "refused", "status <> 'refused' OR num_nulls(refused_at, answer_until) = 0"),
        check(
            REVIEW, "completed", "status IN ('collecting', 'undone') OR completed_at IS NOT NULL"
        ),
        refers(REVIEW, "id", SALE),
        refers(REVIEW, "merchant_id", "merchant.id"),
        refers(REVIEW, "shop_id", "shop.id"),
        refers(REVIEW, "batch_id", f"{BATCH}.id"),
        key(REVIEW, "id"),
    )
    columns = ["shop_id", "sold_at", "id"]
    op.create_index(op.f(f"ix_{REVIEW}_{'_'.join(columns)}"), REVIEW, columns)
    op.create_index(
        f"ix_{REVIEW}_complete",
        REVIEW,
        ["merchant_id", "area", "completed_at"],
        postgresql_where=sa.text("status = 'complete'"),
    )
    op.create_index(
        f"ix_{REVIEW}_released",
        REVIEW,
        ["released_at"],
        postgresql_where=sa.text("status = 'released'"),
    )


def _proofs() -> None:
    op.create_table(
        PROOF,
        id("sale_id"),
        word("kind"),
        id("file_id"),
        words("number", nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        check(PROOF, "number", "(kind = 'invoice') = (number IS NOT NULL)"),
        refers(PROOF, "sale_id", SALE),
        refers(PROOF, "file_id", "stored_file.id"),
        key(PROOF, "sale_id", "kind"),
    )
    op.create_index(f"uq_{PROOF}_number", PROOF, ["number"], unique=True)


def downgrade() -> None:
    for table in (PROOF, REVIEW, SEED, LINE, BATCH):
        op.drop_table(table)

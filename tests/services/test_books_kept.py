"""Whoever owns the tables changes what stands beside the ledger: the verification names it."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.causal import panels
from tests.make import World
from tests.reconciliation.samples import told, written
from voucher_service.causal import service as causal
from voucher_service.causal import weeks
from voucher_service.causal.outcomes import Kind
from voucher_service.causal.service import estimating
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CashierId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.service import banking
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.differences import service as differences
from voucher_service.redemption import service as redemption
from voucher_service.reports import retail
from voucher_service.reports.kept_invariants import KEPT

ANOTHER = "(SELECT id FROM staff WHERE id NOT IN (s.maker_id, s.staff_id) LIMIT 1)"
THIRD = "(SELECT id FROM merchant WHERE id <> a.merchant_id LIMIT 1)"
# What an owner may wish to change, by the invariant that tells.
CHANGES = (
    ("L12", "UPDATE rollup SET leveraged_fen = leveraged_fen + 1 WHERE dimension = 'trade'"),
    ("L12", "DELETE FROM rollup WHERE basis = 'cohort' AND dimension = 'hour'"),
    ("R4", "UPDATE redemption SET order_amount_fen = 10 * order_amount_fen"),
    ("R4", "UPDATE redemption r SET shop_id = (SELECT id FROM shop WHERE id <> r.shop_id LIMIT 1)"),
    ("R4", "UPDATE redemption SET merchant_id = (SELECT merchant_id FROM shop LIMIT 1 OFFSET 1)"),
    ("R5", "UPDATE redemption SET discount_fen = discount_fen - 1, paid_fen = paid_fen - 1"),
    ("R6", "UPDATE redemption_refund SET subsidy_part_fen = 0, other_part_fen = subsidy_part_fen"),
    ("A7", f"UPDATE approval_signature s SET staff_id = {ANOTHER}"),
    ("A8", "UPDATE causal_estimate SET verdict = 'estimated', point = 3, low = 2, high = 4"),
    ("A8", "UPDATE causal_estimate SET inputs = 'other'"),
    ("A8", "UPDATE causal_estimate SET inputs = 'other', made_at = made_at - interval '9 years'"),
    ("A9", "UPDATE retail_figure SET growth_bps = growth_bps / 2"),
    ("A11", "UPDATE offer SET threshold_fen = threshold_fen - 1"),
    ("A11", "UPDATE budget_line SET share_bps = share_bps - 1"),
    ("A12", f"UPDATE settlement_account a SET merchant_id = {THIRD}"),
    ("A12", "UPDATE settlement_account SET bank = '别的银行'"),
    ("A10", "UPDATE channel_line SET their_paid_fen = our_paid_fen WHERE finding <> 'matched'"),
    ("A10", "UPDATE channel_line SET finding = 'matched'"),
    ("A10", "UPDATE channel_file SET theirs_fen = ours_fen"),
)
# Approved before its approval said which account it was, and counts from a day after the first that
# did.
EARLIER = """
WITH made AS (
    INSERT INTO settlement_account
    SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'effective_from',
        now() + interval '1 day'))).* FROM settlement_account a LIMIT 1
    RETURNING id)
INSERT INTO audit.event (actor, action, object_type, object_id, occurred_at)
SELECT 'staff:1', {action}, 'settlement_account', CAST(id AS text), now() - interval '1 day'
FROM made
"""
GUARDED = ("redemption", "redemption_refund", "approval_signature", "retail_figure")


@pytest.fixture(scope="module")
def played(world: World, core: Core) -> None:
    """An order of which a part came back, counted; an estimate, retail sales, a channel's file."""
    draft, till, finance = world.draft(), world.cashier(), world.staff(Role.FINANCE)
    offer = world.offer(campaign=draft)
    done = world.redeem(world.claim(offer), till, payment_reference="42000001").value
    redemption.refund(
        core,
        actor=till,
        redemption=done.id,
        amount=Money(2_800),
        reason="顾客退货",
        key=uuid4().hex,
    )
    with core.transaction() as session:
        merchant = merchants.till(session, cashier=CashierId(world.cashier().id)).merchant_id  # type: ignore[arg-type]
        banking.enter_account(
            session,
            merchant=merchant,
            kind=AccountKind.CORPORATE,
            holder={"name": "阳江商户有限公司", "number": "4417000012345678"},
            bank="中国银行",
            cnaps="104589000012",
            requested_by=None,
            now=core.now(session),
        )
    reconciliation.run(core, programme=draft.programme.slug)
    opens, _ = weeks.valid(offer)
    orders = panels.written(offer, Kind.ORDERS, [(done.shop_id, opens, "S1", 10_000)])
    causal.import_file(core, actor=finance, stream=orders)
    estimating.compute(core, offer=offer.id)
    today = day_of(world.now())
    retail.enter(
        core,
        actor=finance,
        programme=draft.programme.slug,
        first=today - timedelta(days=9),
        last=today,
        sales=Money(10**9),
        growth_bps=110,
        source="统计局",
        published_on=today,
    )
    bill = written("wechat", [told("42000001", 10_000, at=world.now())])
    differences.take(
        core, actor=finance, format="wechat", file_name="bill.csv", source=io.BytesIO(bill)
    )


def broken(owner: Engine, change: str = "") -> set[str]:
    """The numbers of the invariants that don't hold after a change, which is undone."""
    with owner.connect() as connection:
        for table in GUARDED:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        if change:
            assert connection.execute(text(change)).rowcount
        found = {
            name.split()[0]
            for name, query in KEPT.items()
            if connection.execute(text(query)).first() is not None
        }
        connection.rollback()
    return found


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize(("number", "change"), CHANGES)
def test_what_an_owner_changes_beside_the_ledger_is_named(
    owner: Engine, number: str, change: str
) -> None:
    assert number in broken(owner, change)


@pytest.mark.usefixtures("played")
def test_nothing_is_named_that_nobody_changed(owner: Engine) -> None:
    assert broken(owner) == set()


@pytest.mark.usefixtures("played")
def test_an_account_from_before_they_were_put_on_record_is_no_breach(owner: Engine) -> None:
    assert broken(owner, EARLIER.format(action="'settlement_account.approved'")) == set()
    unknown = EARLIER.format(action="'settlement_account.requested'")
    assert broken(owner, unknown) == {"A12"}, "one that nobody approved"

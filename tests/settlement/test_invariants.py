"""Each invariant of settlement notices what it is there for."""

from __future__ import annotations

from sqlalchemy import Connection, text

from tests.services.giving_back import refund
from tests.settlement.offices import Office, yuan
from voucher_service.reports.settlement_invariants import SETTLEMENT
from voucher_service.settlement.bank_file import BOUNCED, PAID

_BACK = "SELECT line_id FROM settlement_payment WHERE status = 'returned'"
CROOKED = (
    ("S1", "UPDATE settlement SET items = items + 1"),
    ("S1", "UPDATE settlement_line SET due_fen = due_fen + 1 WHERE status = 'paid'"),
    ("S2", "UPDATE redemption SET phase = 'none' WHERE phase = 'paid'"),
    (
        "S2",
        (
            "DROP INDEX uq_settlement_item_live; INSERT INTO settlement_item"
            " SELECT (SELECT id FROM settlement_line l WHERE l.id <> i.line_id LIMIT 1),"
            " i.redemption_id, i.offer_id, i.due_fen, true FROM settlement_item i LIMIT 1"
        ),
    ),
    ("S3", "UPDATE settlement_item SET live = false"),
    ("S4", "UPDATE settlement_share SET settled_fen = settled_fen + 1 WHERE settled_fen > 0"),
    ("S4", "UPDATE settlement_item SET due_fen = due_fen + 1"),
    ("S5", "UPDATE settlement_line SET status = 'paid', paid_at = now() WHERE status = 'due'"),
    ("S5", "UPDATE settlement_payment SET amount_fen = amount_fen + 1 WHERE status = 'paid'"),
    ("S6", "UPDATE settlement_line SET deducted_fen = deducted_fen - 1 WHERE deducted_fen > 0"),
    ("S7", "UPDATE settlement_share SET due_fen = due_fen + 1"),
    (
        "S8",
        (
            "ALTER TABLE settlement DROP CONSTRAINT ck_settlement_payer;"
            " UPDATE settlement SET sent_by = reviewed_by"
        ),
    ),
    ("S8", "UPDATE approval SET status = 'rejected'"),
    ("S5", "UPDATE settlement_line SET status = 'ended' WHERE id IN (" + _BACK + ")"),
    ("S9", "UPDATE settlement_payment SET status = 'corrected' WHERE status = 'returned'"),
    ("S9", "UPDATE settlement_line SET due_fen = due_fen + 1 WHERE id IN (" + _BACK + ")"),
)


def test_what_is_broken_is_named(office: Office) -> None:
    till, other = office.till(), office.till()
    done = office.spend(till, 3)
    office.spend(other)
    office.next_day()
    first = office.settle(lambda one: BOUNCED if one.amount == yuan(20) else PAID)
    refund(office.world, till, done[0])
    office.spend(till, 2)
    office.next_day()
    office.settle()
    office.next_day()
    office.send_back(first, lambda one: BOUNCED if one.amount == yuan(60) else PAID)
    assert office.clean() == []
    with office.owner() as connection:
        assert _named(connection) == set()
        for broken, change in CROOKED:
            with connection.begin_nested() as point:
                for statement in change.split(";"):
                    connection.execute(text(statement))
                assert broken in _named(connection), change
                point.rollback()


def _named(connection: Connection) -> set[str]:
    return {
        name.split()[0]
        for name, query in SETTLEMENT.items()
        if connection.execute(text(query)).first() is not None
    }

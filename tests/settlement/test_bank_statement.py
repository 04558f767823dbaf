"""A bank's statement beside what settlement paid: each finding once, and what is held meanwhile."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.faces.admin_desk import CHINESE, Desk, main_of
from tests.reconciliation.samples import written
from tests.settlement.offices import Office
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import formats, service
from voucher_service.reconciliation.differences.layout import Days, LineKind, Told
from voucher_service.reconciliation.differences.model import (
    ChannelFile,
    CorrectionNeeded,
    Difference,
    NothingToCorrect,
    ScopeInvalid,
    Status,
)
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.model import Batch, Payment

FORMAT = "bank-statement-2026"


def said(office: Office, flow: str, fen: int, *, back: bool = False, days: int = 0) -> Told:
    """A line of the bank, now or some days away."""
    at = office.world.now() + timedelta(days=days)
    kind = LineKind.REFUND if back else LineKind.PAYMENT
    return Told(0, kind, flow, at, day_of(at), None, None, fen)


def take(office: Office, lines: Sequence[Told]) -> ChannelFile:
    today = day_of(office.world.now())
    several = len({one.day for one in lines}) > 1
    return service.take(
        office.world.core,
        actor=office.payer,
        format="bank",
        file_name="statement.csv",
        source=io.BytesIO(written(FORMAT, lines)),
        days=Days.said(today) if several else None,
    )


def found(office: Office, status: Status = Status.OPEN) -> list[Difference]:
    page = service.differences(
        office.world.core,
        actor=office.payer,
        status=status,
        finding=None,
        file=None,
        cursor=None,
        limit=50,
    )
    return list(page.items)


def names(office: Office, status: Status = Status.OPEN) -> set[tuple[str, str, str]]:
    return {
        (one.line.reference, str(one.line.kind), str(one.line.finding))
        for one in found(office, status)
    }


def payments(office: Office, batch: Batch) -> list[Payment]:
    page = settlement.payments(
        office.world.core, actor=office.payer, batch=batch.id, cursor=None, limit=50
    )
    return list(page.items)


def paid_batch(office: Office, merchants: int, verdict: object = None) -> list[Payment]:
    """A batch of so many merchants, sent and answered."""
    for place in range(merchants):
        office.spend(office.till(f"44170000123456{place:02}"))
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    if verdict is not None:
        office.answer(batch, verdict)  # type: ignore[arg-type]
    return payments(office, batch)


def test_each_line_of_a_statement_is_found_beside_its_payment(office: Office) -> None:
    back = paid_batch(office, 9, lambda one: BOUNCED if one.flow_number[-1] == "9" else PAID)
    alike, missing, less, twice, shifted, late, returned, both, bounced = back
    unknown = "2026010100000100000001"
    fen = alike.amount.fen
    lines = [
        said(office, alike.flow_number, fen),
        said(office, less.flow_number, fen - 1),
        said(office, twice.flow_number, fen),
        said(office, twice.flow_number, fen),
        said(office, shifted.flow_number, fen, days=3),
        said(office, late.flow_number, fen, days=4),
        said(office, returned.flow_number, fen, back=True),
        said(office, both.flow_number, fen),
        said(office, both.flow_number, fen, back=True),
        said(office, bounced.flow_number, fen, back=True),
        said(office, unknown, 5_00),
    ]
    made = take(office, lines)
    assert names(office) == {
        (missing.flow_number, "payment", "only_ours"),
        (less.flow_number, "payment", "amount_differs"),
        (twice.flow_number, "payment", "duplicate"),
        (late.flow_number, "payment", "date_shifted"),
        (returned.flow_number, "refund", "only_theirs"),
        (both.flow_number, "refund", "only_theirs"),
        (unknown, "payment", "only_theirs"),
    }
    assert {one.holds for one in found(office)} == {False}
    assert {one.line.ours.payment_id for one in found(office) if one.line.ours} == {
        missing.id,
        less.id,
        twice.id,
        late.id,
    }
    ties = []
    service.export(
        office.world.core,
        actor=office.payer,
        file=made.id,
        write=lambda _file, tie, lines: ties.append((tie, len(list(lines)))),
    )
    ((tie, count),) = ties
    assert (count, tie.orders, tie.subsidy, tie.holds) == (12, 7, Money(8 * 2_000), True)


def test_a_payment_that_the_bank_never_answered_is_missed_once_it_is_late(office: Office) -> None:
    early, late = paid_batch(office, 2)
    take(office, [said(office, early.flow_number, early.amount.fen)])
    assert names(office) == set()
    for _ in range(3):
        office.next_day()
    other = said(office, "2026010100000100000001", 5_00)
    take(office, [other])
    assert (late.flow_number, "payment", "only_ours") in names(office)
    assert (early.flow_number, "payment", "only_ours") not in names(office)
    office.next_day()
    take(office, [said(office, late.flow_number, late.amount.fen)])
    assert (late.flow_number, "payment", "only_ours") in names(office, Status.EXPLAINED)


def test_what_came_back_by_our_books_alone_is_not_paid_again_before_two_agree(
    office: Office,
) -> None:
    (payment,) = paid_batch(office, 1, lambda _: BOUNCED)
    other, fen = "2026010100000100000001", payment.amount.fen
    take(office, [said(office, payment.flow_number, fen), said(office, other, 1)])
    held = next(one for one in found(office) if one.holds)
    assert (held.line.kind, held.line.reference) == (LineKind.REFUND, payment.flow_number)
    core = office.world.core
    english = Desk(office.world).browser(office.payer, "en")
    for path in (f"/channel-files/{held.file_id}", f"/differences/{held.id}"):
        page = main_of(english.get(path).text)
        assert ("Sent back by the bank" in page, CHINESE.findall(page)) == (True, [])
    assert "Not paid again meanwhile" in english.get(f"/differences/{held.id}").text
    settlement.retry(core, actor=office.payer, payment=payment.id)

    def tried_again() -> bool:
        office.spend(office.till("4417000099999999"))
        office.next_day()
        batch = office.send(office.approve(office.draft()))
        lines = {one.line_id for one in payments(office, batch)}
        office.answer(batch)
        return payment.line_id in lines

    assert not tried_again()
    with pytest.raises(CorrectionNeeded):
        service.explain(core, actor=office.payer, difference=held.id, text="银行说没退")
    with pytest.raises(NothingToCorrect):
        service.propose(
            core, actor=office.payer, difference=held.id, amount=Money(1), reason="试试"
        )
    proposal = service.propose(
        core, actor=office.payer, difference=held.id, amount=None, reason="银行来函：确已退票"
    )
    read = Desk(office.world).browser(office.world.approver).get(f"/approvals/{proposal}").text
    assert "批准以前，这笔不会再付。" in read
    office.world.approve(proposal)
    assert found(office, Status.ACCEPTED)[0].id == held.id
    assert tried_again()
    assert office.clean() == []


def test_a_return_that_we_book_later_ends_what_the_bank_alone_had(office: Office) -> None:
    (payment,) = paid_batch(office, 1)
    take(office, [said(office, payment.flow_number, payment.amount.fen, back=True)])
    assert names(office) == {(payment.flow_number, "refund", "only_theirs")}
    office.answer(office.look(payment.batch_id), lambda _: BOUNCED)
    take(office, [said(office, "2026010100000100000001", 1, days=1)])
    assert names(office, Status.EXPLAINED) == {(payment.flow_number, "refund", "only_theirs")}


def test_a_sample_of_a_day_that_we_booked_agrees(office: Office) -> None:
    paid_batch(office, 3, lambda one: BOUNCED if one.flow_number[-1] == "3" else PAID)
    out = io.BytesIO()
    assert (
        service.sample(office.world.core, format=FORMAT, day=day_of(office.world.now()), out=out)
        == 3
    )
    out.seek(0)
    made = service.take(
        office.world.core, actor=office.payer, format=FORMAT, file_name="s.csv", source=out
    )
    assert (made.lines, made.different, found(office)) == (3, 0, [])


def test_a_banks_statement_is_of_nobody_alone(office: Office) -> None:
    source = io.BytesIO(written(FORMAT, [said(office, "2026010100000100000001", 1)]))
    with pytest.raises(ScopeInvalid):
        service.take(
            office.world.core,
            actor=office.payer,
            format=FORMAT,
            file_name="s.csv",
            source=source,
            merchant=new_id(),  # type: ignore[arg-type]
        )
    with pytest.raises(NotAllowed):
        service.take(
            office.world.core,
            actor=replace(office.payer, area="441702"),
            format=FORMAT,
            file_name="s.csv",
            source=source,
        )
    assert formats.kinds(FORMAT) != formats.kinds("wechat")

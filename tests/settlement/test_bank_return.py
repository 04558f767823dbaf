"""The bank's file is taken whole or not at all, and what it said once it has said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.settlement.offices import Office
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import Money
from voucher_service.settlement import bank_file, played_bank
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID, Answer
from voucher_service.settlement.lifecycles import BatchStatus
from voucher_service.settlement.model import (
    AnswerDiffers,
    BatchId,
    Form,
    NotBounced,
    PaymentId,
    ReturnInvalid,
)

BATCH = "20261121-000001"
AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ANSWER = Answer(0, "2026112100000100000001", Money(2_000), PAID, "", "B1", AT)
OTHER = replace(ANSWER, flow_number="2026112100000100000002", answer=BOUNCED, reason="销户")


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8-sig").splitlines()


def _refused(content: bytes) -> list[tuple[int, str]]:
    with pytest.raises(ReturnInvalid) as caught:
        bank_file.read(content)
    return [(one["line"], one["text"]) for one in caught.value.extra["lines"]]


@pytest.mark.parametrize("form", list(Form))
def test_what_a_bank_writes_is_read_again(form: Form) -> None:
    content = bank_file.write_answers(form, BATCH, [ANSWER, OTHER])
    found = bank_file.read(content)
    assert found.batch == BATCH
    assert [replace(one, line=0) for one in found.answers] == [ANSWER, OTHER]


@pytest.mark.parametrize(
    ("line", "old", "new", "said"),
    [
        (1, "批次号", "批号", bank_file.HEADER),
        (2, "2026112100000100000001", "2026", bank_file.FLOW),
        (2, "20.00", "20.001", bank_file.AMOUNT),
        (2, "成功", "完成", bank_file.STATE),
        (2, '"B1"', '""', bank_file.NO_REFERENCE),
        (3, "销户", "", bank_file.NO_REASON),
        (3, BATCH, "20261121-000002", bank_file.MIXED),
        (3, "000002", "000001", bank_file.TWICE),
        (3, "2026-11-22", "22.11.2026", bank_file.TIME),
        (4, "40.00", "40.01", bank_file.TOTAL),
        (4, "共2笔", "共3笔", bank_file.TOTAL),
    ],
)
def test_a_line_that_does_not_fit_refuses_the_file(
    line: int, old: str, new: str, said: str
) -> None:
    lines = _lines(bank_file.write_answers(Form.CSV, BATCH, [ANSWER, OTHER]))
    lines[line - 1] = lines[line - 1].replace(old, new)
    assert _refused("\n".join(lines).encode()) == [(line, said)]


def test_a_line_that_ends_after_its_first_cell_is_named() -> None:
    lines = _lines(bank_file.write_answers(Form.CSV, BATCH, [ANSWER, OTHER]))
    lines[1] = "1"
    assert _refused("\n".join(lines).encode()) == [(2, bank_file.CELLS)]


def test_a_file_without_its_total_is_cut_short() -> None:
    lines = _lines(bank_file.write_answers(Form.CSV, BATCH, [ANSWER]))
    assert _refused("\n".join(lines[:-1]).encode()) == [(0, bank_file.NO_TOTAL)]


def test_the_same_file_is_free_and_another_answer_is_refused(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    sent = office.send(office.approve(office.draft()))
    core = office.world.core
    (answer,) = office.answers(sent)
    wrong = bank_file.write_answers(
        Form.CSV, sent.number, [replace(answer, amount=answer.amount + Money(1))]
    )
    with pytest.raises(ReturnInvalid) as caught:
        settlement.take_return(core, actor=office.payer, content=wrong)
    assert caught.value.extra["lines"] == [{"line": 2, "text": bank_file.OTHER_AMOUNT}]
    assert office.look(sent.id).status is BatchStatus.SENT
    content = bank_file.write_answers(Form.XLSX, sent.number, [answer])
    with pytest.raises(NoSuchThing):
        settlement.take_return(core, actor=office.payer, content=content, batch=BatchId(new_id()))
    office.spend(till)
    office.next_day()
    later = office.draft().id
    with pytest.raises(ReturnInvalid) as elsewhere:
        settlement.take_return(core, actor=office.payer, content=content, batch=later)
    assert elsewhere.value.extra["lines"] == [{"line": 0, "text": bank_file.OTHER_BATCH}]
    first = settlement.take_return(core, actor=office.payer, content=content)
    again = settlement.take_return(core, actor=office.payer, content=content)
    assert (first.replayed, again.replayed) == (False, True)
    bounced = replace(answer, answer=BOUNCED, reason="销户", reference="")
    other = bank_file.write_answers(Form.CSV, sent.number, [bounced])
    with pytest.raises(AnswerDiffers):
        settlement.take_return(core, actor=office.payer, content=other)
    assert office.look(sent.id).paid == 1
    assert office.clean() == []


def test_a_played_bank_answers_the_same_for_the_same_seed(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    _, content = settlement.bank_file(
        office.world.core, actor=office.payer, batch=batch.id, form=Form.XLSX
    )
    at = office.world.now()
    both = [played_bank.answer(content, form=Form.CSV, at=at, seed=7) for _ in range(2)]
    assert both[0] == both[1]
    assert [one.amount for one in bank_file.read(both[0]).answers] == [Money(2_000)]


def test_what_the_bank_sends_back_twice_is_paid_once_by_the_third_batch(office: Office) -> None:
    office.spend(office.till())
    first: list[PaymentId] = []
    for verdict in (BOUNCED, BOUNCED, PAID):
        office.next_day()
        batch = office.send(office.approve(office.draft()))
        (answer,) = office.answers(batch, lambda _, verdict=verdict: verdict)
        content = bank_file.write_answers(Form.CSV, batch.number, [answer])
        settlement.take_return(office.world.core, actor=office.payer, content=content)
        if verdict == BOUNCED:
            page = settlement.payments(
                office.world.core, actor=office.payer, batch=batch.id, cursor=None, limit=5
            )
            for superseded in first:
                with pytest.raises(NotBounced):
                    settlement.retry(office.world.core, actor=office.payer, payment=superseded)
            settlement.retry(office.world.core, actor=office.payer, payment=page.items[0].id)
            first.append(page.items[0].id)
    last = office.look(batch.id)
    assert (last.payments, last.paid) == (1, 1)
    assert office.clean() == []

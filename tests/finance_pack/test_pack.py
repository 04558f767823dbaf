"""The ten documents of a batch: they say what the books say, and the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from tests.finance_pack.batches import HOSTILE, NUMBERS, Told
from tests.printing.reading import pages
from tests.settlement.offices import Office, yuan
from voucher_service.finance_pack import service
from voucher_service.finance_pack.model import Pack, PackDoesNotTie, PackTooEarly, PackTooLarge
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.printing.capitals import capitals
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.model import Batch

TABLES = (
    "02-清算汇总表",
    "03-核销明细",
    "04-发票清单",
    "05-企业名单",
    "06-退货冲减表",
    "07-异常剔除表",
)
PAPERS = ("01-资金清算申请表", "08-第三方审核报告", "09-公示", "10-账户余额对账")


def handed_out(office: Office, batch: Batch, actor: Actor | None = None) -> tuple[Pack, bytes]:
    out = io.BytesIO()
    pack = service.hand_out(office.world.core, actor=actor or office.payer, batch=batch.id, out=out)
    return pack, out.getvalue()


@pytest.fixture(scope="module")
def zipped(told: Told) -> bytes:
    return handed_out(told.office, told.batch)[1]


@pytest.fixture(scope="module")
def files(zipped: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(zipped)) as found:
        return {name: found.read(name) for name in found.namelist()}


def sheet(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    """The rows of a workbook by heading; the last one is the total."""
    book = openpyxl.load_workbook(io.BytesIO(files[f"{name}.xlsx"]))
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def said(files: dict[str, bytes], name: str) -> str:
    return "".join(pages(files[f"{name}.pdf"]))


def test_the_ten_documents_are_there_with_the_hash_of_each(files: dict[str, bytes]) -> None:
    expected = {f"{one}.{kind}" for one in TABLES for kind in ("xlsx", "csv")}
    expected |= {f"{one}.pdf" for one in PAPERS} | {"manifest.json", "manifest.txt"}
    assert set(files) == expected
    lines = dict(reversed(line.split("  ")) for line in files["manifest.txt"].decode().splitlines())
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    hashes.pop("manifest.txt")
    assert lines == hashes
    told = json.loads(files["manifest.json"])
    hashes.pop("manifest.json")
    assert {one["name"]: one["sha256"] for one in told["files"]} == hashes


def test_what_is_asked_for_stands_in_figures_and_in_capitals(
    told: Told, files: dict[str, bytes]
) -> None:
    paper, due = said(files, "01-资金清算申请表"), told.batch.due
    assert due == yuan(70)  # four vouchers of 20, of one of which half came back
    for words in (told.batch.number, "70.00", capitals(due), "市级", "经办", "盖章"):
        assert words in paper


def test_every_line_and_sum_is_that_of_the_books(told: Told, files: dict[str, bytes]) -> None:
    batch = told.batch
    *lines, total = sheet(files, "02-清算汇总表")
    assert [one["应付（元）"] for one in lines] == [70]
    assert [total[f"{one}（元）"] for one in ("应付", "抵扣", "实付")] == [70, 20, 50]
    assert lines[0]["付款结果"] == "已到账"
    *redeemed, total = sheet(files, "03-核销明细")
    assert len(redeemed) == batch.items
    assert total["本批应付（元）"] == sum(one["本批应付（元）"] for one in redeemed) == 70
    assert total["其中已退（元）"] == 10
    reasons = {one["事由"]: one["冲减本批（元）"] for one in sheet(files, "06-退货冲减表")[:-1]}
    assert reasons == {"本批核销的退货": 10, "抵扣以前多付的": 20}


def test_what_was_kept_out_is_named_with_its_reason(files: dict[str, bytes]) -> None:
    *kept_out, total = sheet(files, "07-异常剔除表")
    found = {(one["范围"], one["原因"], one["未列入金额（元）"]) for one in kept_out}
    assert found == {
        ("单笔暂缓", "风险核查", 20),
        ("商户暂缓付款", HOSTILE, 60),
        ("商户没有收款账户", "没有收款账户", 80),
    }
    assert total["未列入金额（元）"] == 160


def test_the_accounts_tie_to_the_banks_answer(told: Told, files: dict[str, bytes]) -> None:
    paper = said(files, "10-账户余额对账")
    assert told.batch.paid_amount == yuan(90)  # 50, and 40 that had bounced the day before
    for words in ("90.00", "40.00", "付款文件合计", "已付"):
        assert words in paper


def test_the_audit_says_what_was_verified_and_draws_samples_that_can_be_drawn_again(
    told: Told, files: dict[str, bytes]
) -> None:
    paper = said(files, "08-第三方审核报告")
    manifest = json.loads(files["manifest.json"])
    root = manifest["log"]["root"]
    seed = hashlib.sha256(f"{root}\n{told.batch.id}".encode()).hexdigest()
    assert "0处不符" in paper.replace(" ", "")
    assert root in paper.replace("\n", "")
    assert seed in paper.replace("\n", "")
    ids = [one["核销编号"] for one in sheet(files, "03-核销明细")[:-1]]
    drawn = sorted(ids, key=lambda one: hashlib.sha256(f"{seed}{one}".encode()).digest())
    places = [paper.replace("\n", "").index(one) for one in drawn]
    assert places == sorted(places)
    assert "未封存" not in paper


def test_no_text_of_anybody_is_a_formula_and_the_csv_says_the_same(
    files: dict[str, bytes],
) -> None:
    for name in TABLES:
        book = openpyxl.load_workbook(io.BytesIO(files[f"{name}.xlsx"]))
        cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
        assert not any(cell.data_type == "f" for cell in cells)
        assert book.worksheets[0].freeze_panes is not None
        lines = list(csv.reader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"))))
        assert len(lines) == book.worksheets[0].max_row
        assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line)
    assert HOSTILE in {one["订单号"] for one in sheet(files, "03-核销明细")}


def test_an_account_stands_in_full_in_the_list_of_companies_only(files: dict[str, bytes]) -> None:
    (company, _) = sheet(files, "05-企业名单")
    assert (company["账号"], company["联行号"]) == (NUMBERS[0], "104589000012")
    named = {
        name
        for name, content in files.items()
        if any(one.encode() in content for one in NUMBERS)
        or (name.endswith("xlsx") and any(one in _cells(content) for one in NUMBERS))
    }
    assert named == {"05-企业名单.xlsx", "05-企业名单.csv"}


def test_a_copy_is_the_same_bytes_and_who_took_it_is_on_record(told: Told, zipped: bytes) -> None:
    office = told.office
    pack, again = handed_out(office, told.batch)
    assert again == zipped
    assert (pack.number, pack.sha256) == (1, hashlib.sha256(zipped).hexdigest())
    with office.world.core.transaction() as session:
        rows = session.execute(
            text(
                "SELECT actor, action, detail->>'sha256' AS sha256 FROM audit.event"
                " WHERE action LIKE 'finance_pack.%' AND object_id = :batch ORDER BY id"
            ),
            {"batch": str(told.batch.id)},
        ).all()
    assert [one.action for one in rows[:2]] == ["finance_pack.made", "finance_pack.handed_out"]
    assert {one.sha256 for one in rows} == {pack.sha256}
    assert {one.actor for one in rows} == {office.payer.name}


def test_a_batch_that_closed_is_put_on_record_by_itself(told: Told, zipped: bytes) -> None:
    core = told.office.world.core
    assert zipped
    made = service.record_due(core)  # the first batch's; the second is on record
    assert (made, service.record_due(core)) == (1, 0)


def test_only_finance_and_only_what_is_fixed(told: Told) -> None:
    office = told.office
    with pytest.raises(NotAllowed):
        handed_out(office, told.batch, office.world.staff(Role.APPROVER))
    with pytest.raises(PackTooLarge):
        service.hand_out(
            office.world.core, actor=office.payer, batch=told.batch.id, out=io.BytesIO(), most=3
        )
    office.next_day()
    till = office.till("4417000055555555")
    office.spend(till)
    office.next_day()
    draft = office.draft()
    with pytest.raises(PackTooEarly):
        handed_out(office, draft)


def test_where_the_books_say_otherwise_now_the_pack_has_another_number(told: Told) -> None:
    office = told.office
    first, _ = handed_out(office, told.batch)
    with office.world.core.transaction() as session:
        session.execute(text("UPDATE shop SET name = name || '（新）'"))
    second, _ = handed_out(office, told.batch)
    assert (second.number, second.sha256 == first.sha256) == (first.number + 1, False)


def test_what_the_bank_sent_back_since_stands_in_another_pack_that_ties(told: Told) -> None:
    office = told.office
    first, _ = handed_out(office, told.batch)
    office.next_day()
    office.send_back(told.batch, lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    second, zipped = handed_out(office, told.batch)
    assert second.number == first.number + 1
    with zipfile.ZipFile(io.BytesIO(zipped)) as found:
        paper = said({name: found.read(name) for name in found.namelist()}, "10-账户余额对账")
    bank = " ".join(paper[paper.index("二、银行回单") : paper.index("三、账表核对")].split())
    assert "已到账 1 50.00 退票 0 0.00 到账后退汇 1 40.00 未回 0 0.00" in bank
    assert "付款文件合计 2 90.00" in bank


def test_a_pack_whose_documents_differ_is_not_handed_out(told: Told) -> None:
    with told.office.world.core.transaction() as session:
        session.execute(
            text("UPDATE settlement_share SET due_fen = due_fen + 1 WHERE batch_id = :id"),
            {"id": told.batch.id},
        )
    with pytest.raises(PackDoesNotTie) as refused:
        handed_out(told.office, told.batch)
    assert "①级次合计 / ②应付" in str(refused.value.extra)


def _cells(content: bytes) -> set[Any]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {cell.value for row in book.worksheets[0].iter_rows() for cell in row}

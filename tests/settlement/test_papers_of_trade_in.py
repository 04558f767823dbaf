"""Subsidised sales and cars in the papers for the treasury: their invoices, and the notice."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from sqlalchemy import text

from tests.printing.reading import pages
from tests.services.car_applicants import approved
from tests.services.reviewing import batched, look
from tests.services.sold import MONDAY, WEEK, Street
from tests.settlement.offices import Office
from voucher_service.allocation import degraded
from voucher_service.finance_pack import service
from voucher_service.kernel.actor import Role
from voucher_service.settlement.model import Batch
from voucher_service.tradein.review import service as review


def files(office: Office, batch: Batch) -> dict[str, bytes]:
    out = io.BytesIO()
    service.hand_out(office.world.core, actor=office.payer, batch=batch.id, out=out)
    with zipfile.ZipFile(out) as found:
        return {name: found.read(name) for name in found.namelist()}


def invoices(found: dict[str, bytes]) -> list[dict[str, str]]:
    """The rows of ④ without its total."""
    lines = csv.DictReader(io.StringIO(found["04-发票清单.csv"].decode("utf-8-sig")))
    return list(lines)[:-1]


def test_a_cars_invoice_is_listed_and_its_notice_is_as_it_was_published(office: Office) -> None:
    who = approved(office.world)
    for _ in range(7):
        office.next_day()
    batch = office.settle()
    found = files(office, batch)
    (row,) = invoices(found)
    with office.world.core.transaction() as session:
        number, vin = session.execute(
            text("SELECT invoice, new_vin FROM application WHERE id = :id"),
            {"id": who.application},
        ).one()
    assert (row["发票号码"], row["序列号或车架号"]) == (number, vin)
    assert (row["品类"], row["价税合计（元）"]) == ("汽车报废更新", "128800.00")
    assert row["本批补贴（元）"] == batch.due.yuan_text()
    notice = "".join(pages(found["09-公示.pdf"])).replace("\n", "")
    assert "汽车报废更新" in notice
    assert f"{who.name[0]}*" in notice
    assert who.name not in notice


def test_a_released_sales_invoice_is_listed_with_what_was_sold(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
    clock = office.world.core.clock
    clock.set(MONDAY)
    street = Street(office.world.core)
    street.world = office.world
    till, reviewer = office.till(), office.world.staff(Role.REVIEWER)
    (sale,) = street.complete(till)
    (waiting,) = batched(street, reviewer, till)
    look(street, reviewer, waiting)
    proposal = review.propose(street.core, actor=reviewer, batch=waiting.id)
    assert proposal is not None
    clock.set(MONDAY + WEEK)
    office.world.approve(proposal)
    office.next_day()
    batch = office.settle()
    found = files(office, batch)
    (row,) = invoices(found)
    assert row["发票号码"].startswith("26442000")
    assert (row["型号"], row["本批补贴（元）"]) == ("G9", "450.00")
    assert (row["价税合计（元）"], row["交易日期"]) == ("3000.00", "2026-03-02")
    audit = "".join(pages(found["08-第三方审核报告.pdf"])).replace("\n", "")
    assert waiting.list_sha256 in audit
    assert str(sale) in audit

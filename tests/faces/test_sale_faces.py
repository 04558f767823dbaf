"""A shop's own system hands in the papers of its sales; what the desk says reaches the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.app import create_app as create_admin
from merchant_portal.app import create_app
from tests.faces.admin_desk import CHINESE, main_of
from tests.services.sold import MONDAY, WEEK, Street, picture
from voucher_service.allocation import degraded
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import BatchId, BatchStatus
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

URL = "/api/v1/redemptions"


@pytest.fixture(scope="module")
def street(core: Core) -> Iterator[Street]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
        yield Street(with_clock(core, Clock(MONDAY)))


@pytest.fixture(scope="module")
def client(street: Street) -> FlaskClient:
    """A till's connection."""
    return create_app(street.core).test_client()


def put(
    client: FlaskClient, street: Street, till: Actor, path: str, data: bytes, **told: str
) -> TestResponse:
    assert till.id is not None
    token = issue(street.core, Face.MERCHANT, till.id).access_token
    return client.put(
        f"{URL}/{path}",
        data=data,
        query_string=told,
        content_type="image/jpeg",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_shops_system_hands_in_papers_and_reads_what_is_missing(
    street: Street, client: FlaskClient
) -> None:
    till = street.world.cashier()
    first, second = street.sell(till), street.sell(till)
    number = {"number": "2644 2000 0000 0000 4711"}
    kept = put(client, street, till, f"{first}/evidence/invoice", picture(), **number)
    assert (kept.status_code, kept.json["missing"]) == (200, ["unboxing", "activation"])
    assert kept.json["proofs"][0]["number"] == "26442000000000004711"
    again = put(client, street, till, f"{second}/evidence/invoice", picture(), **number)
    assert (again.status_code, again.json["code"]) == (409, "invoice_taken")
    for path, data, status, code in (
        (f"{second}/evidence/invoice", picture(), 422, "invoice_number_needed"),
        (f"{second}/evidence/delivery", picture(), 422, "proof_not_asked"),
        (f"{second}/evidence/unboxing", b"MZ" + bytes(100), 422, "file_refused"),
        (f"{second}/evidence/unboxing", bytes(5_250_000), 422, "file_too_large"),
        (f"{second}/evidence/selfie", picture(), 404, "not_found"),
    ):
        refused = put(client, street, till, path, data)
        assert (refused.status_code, refused.json["code"]) == (status, code)
    huge = put(client, street, till, f"{second}/evidence/unboxing", bytes(6_000_000))
    assert huge.status_code == 413


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_the_desk_says_reaches_the_shop_in_its_language(
    street: Street, client: FlaskClient, language: str
) -> None:
    till, reviewer = street.world.cashier(), street.world.staff(Role.REVIEWER)
    (sale,) = street.complete(till)
    later = street.at(MONDAY + WEEK)
    while service.batch_due(later.core):
        pass
    desk = create_admin(later.core).test_client()
    assert reviewer.id is not None and till.id is not None
    desk.set_cookie(Face.ADMIN.cookie, issue(later.core, Face.ADMIN, reviewer.id).access_token)
    shop = create_app(later.core).test_client()
    shop.set_cookie(Face.MERCHANT.cookie, issue(later.core, Face.MERCHANT, till.id).access_token)
    for browser in (desk, shop):
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    batch = batch_of(later, reviewer, sale)
    pages = [
        desk.get("/review").text,
        desk.get("/review/cars").text,
        desk.get(f"/review/batches/{batch}").text,
        desk.get(f"/review/batches/{batch}/sales/{sale}").text,
    ]
    service.judge(
        later.core, actor=reviewer, batch=batch, subject=sale, good=False, reason="blurred"
    )
    pages += [shop.get("/sales?show=refused").text, shop.get(f"/sales/{sale}").text]
    assert "blurred" in pages[-1]
    if language == "en":
        names = ("商户", "门店", "澜山")  # of shops and goods, not ours to translate
        left = [found for page in pages for found in CHINESE.findall(main_of(page))]
        assert [one for one in left if one not in names] == []


def batch_of(street: Street, reviewer: Actor, sale: RedemptionId) -> BatchId:
    """The id of the batch in which a sale is."""
    page = service.queue(
        street.core,
        actor=reviewer,
        status=BatchStatus.OPEN,
        cursor=None,
        limit=200,
    )
    return next(
        one.id
        for one in page.items
        if sale
        in {
            line.subject_id
            for line in service.batch(street.core, actor=reviewer, batch=one.id).lines
        }
    )

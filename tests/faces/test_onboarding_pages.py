"""The pages on which merchants come in: refusals beside their boxes, files, the way around."""

from __future__ import annotations

import io
import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from merchant_portal.app import create_app as create_merchant
from tests.faces.admin_desk import Desk, send
from tests.faces.test_admin_browser import AXE, RUN, at_desk
from tests.make import JIANGCHENG, World
from tests.services.applicants import (
    CORPORATE,
    MOBILE,
    PASSWORD,
    Applicant,
    admitted,
    applicant,
    filled,
    photo,
    submitted,
)
from tests.uploads.papers import paper, script
from tests.web.serving import serving
from voucher_service.disputes import service as disputes
from voucher_service.disputes.model import Event, Reason, Subject
from voucher_service.kernel.actor import Role
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.service import banking, holding, reviewing
from voucher_service.resident.app import create_app as create_resident
from voucher_service.resident.pages import merchants as public_list
from voucher_service.web import uploads
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

NARROW = {"width": 360, "height": 780}


@pytest.fixture(scope="module")
def face(world: World) -> FlaskClient:
    return create_merchant(world.core).test_client()


class Reader:
    """Somebody at the merchant face."""

    def __init__(self, world: World, who: Applicant) -> None:
        assert who.actor.id is not None
        self.token = issue(world.core, Face.MERCHANT, who.actor.id).access_token
        self.client = create_merchant(world.core).test_client()
        self.client.set_cookie("voucher_merchant", self.token)
        self.form = {"csrf_token": world.core.keyring.form_mac(self.token)}

    def post(self, path: str, **typed: object) -> TestResponse:
        answer = self.client.post(path, data=self.form | typed)
        answer.request.environ["wsgi.input"].close()  # a large body is a file of the client's
        return answer


def test_a_mistyped_mobile_is_said_beside_its_box(face: FlaskClient) -> None:
    typed = {"username": f"s-{uuid4().hex[:8]}", "password": PASSWORD, "mobile": "12345"}
    answer = face.post("/apply", data=typed)
    assert answer.status_code == 422
    assert 'id="e-mobile"' in answer.text
    assert PASSWORD not in answer.text


def test_a_session_begins_with_the_account_and_lasts_into_the_till(world: World) -> None:
    client = create_merchant(world.core).test_client()
    name = f"s-{uuid4().hex[:8]}"
    answer = client.post("/apply", data={"username": name, "password": PASSWORD, "mobile": MOBILE})
    assert (answer.status_code, answer.location) == (303, "/apply/business")
    assert client.get("/apply").location == "/apply/status"
    assert client.get("/").location == "/apply/status"
    again = create_merchant(world.core).test_client()
    signed_in = again.post("/sign-in", data={"username": name, "password": PASSWORD})
    assert signed_in.status_code == 303
    assert again.get("/today").location == "/apply/status"


def test_a_cashier_has_nothing_to_apply_for(world: World) -> None:
    who, _ = admitted(world)
    reader = Reader(world, who)
    assert reader.client.get("/apply").location == "/"
    assert reader.client.get("/apply/status").status_code == 200
    assert reader.client.get("/").status_code == 200


def test_an_applicants_token_redeems_nothing(world: World) -> None:
    who = applicant(world.core)
    client = create_merchant(world.core).test_client()
    bearer = {"Authorization": f"Bearer {Reader(world, who).token}"}
    assert client.get("/api/v1/summary", headers=bearer).status_code == 403
    order = {"code": "x", "order_amount_fen": 10_000, "order_reference": "1"}
    keyed = bearer | {"Idempotency-Key": uuid4().hex}
    answer = client.post("/api/v1/redemptions", headers=keyed, json=order)
    assert answer.status_code == 401  # nobody's till


def test_the_number_of_an_account_is_never_shown_again(world: World) -> None:
    reader = Reader(world, filled(world.core))
    told = {"kind": "corporate", "name": "别的店", "number": CORPORATE, "bank": "中国银行"}
    answer = reader.post("/apply/account", **told)
    assert answer.status_code == 422
    assert 'id="e-name"' in answer.text
    assert CORPORATE not in answer.text
    assert CORPORATE not in reader.client.get("/apply/account").text


def test_a_pdf_is_only_saved_and_nothing_is_guessed(world: World) -> None:
    reader = Reader(world, applicant(world.core))
    sent = paper(script) + b"<script>alert(1)</script>"
    kept = reader.post("/apply/documents", kind="licence", file=(io.BytesIO(sent), "a.png"))
    assert kept.status_code == 303
    shown = reader.client.get("/apply/documents/licence")
    assert shown.data.startswith(b"%PDF-")
    assert not re.search(b"script", shown.data, re.IGNORECASE)
    assert shown.mimetype == "application/pdf"
    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_only_the_upload_takes_more_than_a_form(world: World) -> None:
    reader = Reader(world, applicant(world.core))
    most = world.core.settings.onboarding.file_limit_bytes
    too_large = {"kind": "licence", "file": (io.BytesIO(bytes(most + 1)), "a.jpg")}
    answer = reader.post("/apply/documents", **too_large)
    assert answer.status_code == 422
    assert "5 MB" in answer.text
    far_too_large = {"kind": "licence", "file": (io.BytesIO(bytes(uploads.READ_BYTES)), "a.jpg")}
    assert reader.post("/apply/documents", **far_too_large).status_code == 413
    assert reader.post("/apply/documents", kind="长" * 60_000).status_code == 413
    beside = {"kind": "长" * 100_000, "file": (io.BytesIO(b"x"), "a.jpg")}
    assert reader.post("/apply/documents", **beside).status_code == 413
    empty = reader.post("/apply/documents", kind="licence", file=(io.BytesIO(), "a.jpg"))
    assert empty.status_code == 422 and "这个文件是空的" in empty.text
    assert reader.post("/apply/business", name="长" * 60_000).status_code == 413
    big = io.BytesIO(photo((2_400, 2_400), "PNG"))
    assert reader.post("/apply/documents", kind="licence", file=(big, "a.png")).status_code == 303


def test_what_was_sent_back_says_why_where_it_is_corrected(world: World) -> None:
    who, found = submitted(world.core)
    reviewing.send_back(
        world.core,
        actor=world.staff(Role.REVIEWER),
        application=found.id,
        findings={"licence": "四角没拍全"},
        reason="请重拍",
    )
    reader = Reader(world, who)
    for path in ("/apply/status", "/apply/documents"):
        assert "四角没拍全" in reader.client.get(path).text
    assert "四角没拍全" not in reader.client.get("/apply/shops").text


def test_a_desk_shows_no_personal_data_until_it_is_asked_for(desk: Desk, world: World) -> None:
    _, found = submitted(world.core)
    reviewer = world.staff(Role.REVIEWER, area=JIANGCHENG)
    assert reviewer.id is not None
    token = issue(desk.core, Face.ADMIN, reviewer.id).access_token
    client = desk.app.test_client()
    client.set_cookie("voucher_admin", token)
    here = f"/merchants/applications/{found.id}"
    page = client.get(here).text
    assert MOBILE not in page
    assert CORPORATE not in page
    form = {"csrf_token": desk.core.keyring.form_mac(token), "why": "review", "note": "回访核实"}
    shown = client.post(f"{here}/reveal", data=form | {"fields": ["mobile"]})
    assert MOBILE in shown.text
    assert CORPORATE not in shown.text
    assert client.post(f"{here}/reveal", data=form).status_code == 422


def test_the_public_list_reads_any_address(world: World) -> None:
    admitted(world)
    client = create_resident(world.core).test_client()
    for query in (
        "",
        "?area=999999",
        "?trade=none",
        f"?q={'长' * 90}",
        "?area=441702&trade=retail",
    ):
        assert client.get(f"/shops{query}").status_code == 200
    page = client.get("/shops?q=海味").text
    assert "南恩路 18 号" in page
    assert client.get("/shops?cursor=what").status_code == 400


def test_the_public_list_goes_on_where_it_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_list, "PAGE", 2)
    for _ in range(3):
        admitted(world)
    client = create_resident(world.core).test_client()
    first = client.get("/shops?q=海味")
    more = re.search(r'href="(/shops[^"]+cursor=[^"]+)"', first.text)
    assert more
    second = client.get(more[1].replace("&amp;", "&"))
    assert second.status_code == 200
    assert "南恩路 18 号" in second.text


def test_the_manager_reads_why_nothing_is_paid_or_taken(desk: Desk, world: World) -> None:
    who, merchant = admitted(world)
    reader, reviewer = Reader(world, who), world.staff(Role.REVIEWER)
    assert "暂缓" not in reader.client.get("/shop").text
    holding.hold_payments(world.core, actor=reviewer, merchant=merchant, reason="发票不符")
    assert "发票不符" in reader.client.get("/shop").text
    merchants.suspend_merchant(world.core, actor=reviewer, merchant=merchant, reason="先涨后折")
    page = reader.client.get("/shop").text
    assert "发票不符" in page and "先涨后折" in page


def test_whoever_signs_sees_the_account_and_when_a_change_counts(desk: Desk, world: World) -> None:
    reviewer, browser = world.staff(Role.REVIEWER), desk.browser(world.approver)
    _, found = submitted(world.core)
    admitting = reviewing.precheck(world.core, actor=reviewer, application=found.id)
    shown = browser.get(f"/approvals/{admitting}").text
    assert found.account is not None
    assert found.account.name in shown and CORPORATE[-4:] in shown and CORPORATE not in shown
    who, merchant = admitted(world)
    reader = Reader(world, who)
    told = {"kind": "corporate", "name": who.name, "number": "6222021405600099", "bank": "工商"}
    assert reader.post("/account", **told).status_code == 303
    account = banking.own_accounts(world.core, actor=who.manager)[0].id
    changing = banking.propose_change(world.core, actor=reviewer, account=account, note="核实")
    shown = browser.get(f"/approvals/{changing}").text
    assert "盖章后马上生效" not in shown and "再过 48 小时才生效" in shown
    assert (
        send(browser, f"/approvals/{changing}", f"/approvals/{changing}/approve").status_code == 303
    )
    assert "从那时起过 48 小时才生效" in browser.get(f"/approvals/{changing}").text
    assert reader.post(f"/account/{account}/stop").status_code == 303
    stopped = banking.own_accounts(world.core, actor=who.manager)[0]
    assert (str(stopped.status), stopped.effective_from) == ("stopped", None)
    for page in (reader.client.get("/account").text, browser.get(f"/merchants/{merchant}").text):
        assert "已叫停" in page


def test_what_waits_for_a_reviewer_is_on_the_first_page(desk: Desk, world: World) -> None:
    reviewer = desk.browser(world.staff(Role.REVIEWER))
    submitted(world.core)
    assert "家商户申请入驻" in reviewer.get("/").text
    who, _ = admitted(world)
    opened = disputes.open_dispute(
        world.core,
        actor=who.manager,
        subject=Subject.SETTLEMENT,
        subject_id=None,
        reason=Reason.AMOUNT,
        text="少算了一笔",
    )
    for role in (Role.REVIEWER, Role.FINANCE):
        page = desk.browser(world.staff(role)).get("/").text
        assert "件商户异议" in page and "今天没有等您的事" not in page
    assert "件商户异议" not in desk.browser(world.staff(Role.AUDITOR)).get("/").text
    disputes.say(
        world.core,
        actor=world.staff(Role.FINANCE),
        dispute=opened,
        event=Event.ANSWERED,
        text="查过了",
    )
    assert "件商户异议" not in reviewer.get("/").text


def test_an_applicant_is_told_what_to_do_when_the_code_is_taken(world: World) -> None:
    there, _ = admitted(world)
    who = applicant(world.core)
    told = {"name": who.name, "uscc": there.uscc, "size_class": "small", "legal_person": "林秀英"}
    page = Reader(world, who).post("/apply/business", **told)
    assert page.status_code == 409 and "商户列表" not in page.text
    assert "请用原来的账号登录" in page.text


def test_what_was_handed_in_is_read_without_boxes_to_type_in(world: World) -> None:
    who, found = submitted(world.core)
    reader = Reader(world, who)
    for part in ("business", "shops", "account", "documents", "commitment"):
        page = reader.client.get(f"/apply/{part}")
        assert page.status_code == 200
        assert "form-control" not in page.text and 'type="checkbox"' not in page.text
    assert found.business is not None
    assert found.business.uscc in reader.client.get("/apply/business").text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_page_of_merchants_shuts_anyone_out(
    chromium: Browser, desk: Desk, world: World, language: str
) -> None:
    reviewer = world.staff(Role.REVIEWER)
    who, merchant = admitted(world)
    banking.request_change(
        world.core,
        actor=who.manager,
        kind=AccountKind.CORPORATE,
        name=who.name,
        number="6222021405600099",
        bank="工商银行",
    )
    holding.hold_payments(world.core, actor=reviewer, merchant=merchant, reason="发票不符")
    with world.core.transaction() as session:
        (hold,) = holding.holds_of(session, merchant=merchant)
    lifting = holding.ask_to_lift(world.core, actor=reviewer, hold=hold.id)
    change = banking.own_accounts(world.core, actor=who.manager)[0].id
    changing = banking.propose_change(world.core, actor=reviewer, account=change, note="核实")
    _, found = submitted(world.core)
    admitting = reviewing.precheck(world.core, actor=reviewer, application=found.id)
    paths = [
        "/merchants",
        f"/merchants/{merchant}",
        "/merchants/applications?state=admitted",
        f"/merchants/applications/{found.id}",
        *(f"/approvals/{one}" for one in (lifting, changing, admitting)),
    ]
    wrong: dict[str, object] = {}
    with serving(desk.app) as base:
        options = {"viewport": NARROW, "locale": language}
        context = at_desk(chromium, base, desk.core, reviewer, **options)
        page = context.new_page()
        for path in paths:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            page.evaluate(AXE.read_text("utf-8"))
            if violations := page.evaluate(RUN)["violations"]:
                wrong[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
            if not page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"):
                wrong[path] = "too wide"
            if language == "en":
                told = page.inner_text("main")
                wrong |= {path: told} if re.search("申请|账户|商户|门店|核实[^\\n]", told) else {}
        context.close()
    assert wrong == {}

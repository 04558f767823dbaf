"""Who may do what with merchants that come in, on each face."""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import Any
from uuid import UUID, uuid4

from tests.services.applicants import (
    CORPORATE,
    MOBILE,
    PASSWORD,
    applicant,
    filled,
    photo,
    planned_shop,
    submitted,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.merchants.onboarding import COMMITMENT
from voucher_service.merchants.service import banking, holding
from voucher_service.replay.strangers import credit_code
from voucher_service.stops.model import Scope, What

from .city import City, Side
from .table import (
    APPROVER,
    AUDITOR,
    TILL,
    Thing,
    always,
    get,
    kind,
    material,
    post,
    shared,
    typed,
)

MANAGER, REVIEWER = frozenset({Role.MANAGER}), frozenset({Role.REVIEWER})
FINANCE = frozenset({Role.FINANCE})
SIGNERS = REVIEWER | APPROVER | AUDITOR
SEES = SIGNERS | FINANCE
WHY = always(data={"reason": "核查"})
ACCOUNT = {"kind": "corporate", "name": "连锁商户", "number": CORPORATE, "bank": "中国银行"}


@material
def begun(city: City, _side: Side, _caller: Actor) -> Thing:
    """Somebody who has just begun."""
    return Thing(caller=applicant(city.core).actor)


@material
def complete(city: City, _side: Side, _caller: Actor) -> Thing:
    """Somebody who filled everything in."""
    return Thing("", {"kind": "licence"}, caller=filled(city.core).actor)


@material
def account_of_ours(city: City, side: Side, _caller: Actor) -> Thing:
    """A merchant of which no change of account is under way."""
    manager = side.till[Role.MANAGER]
    for one in banking.own_accounts(city.core, actor=manager):
        if one.status == "requested":
            banking.stop_change(city.core, actor=manager, account=one.id)
    return Thing()


@kind
def own_change(city: City, side: Side, caller: Actor) -> Thing:
    """A change of account that a side's manager asked for."""
    account_of_ours.make(city, side, caller)
    return Thing(str(asked(city, side.till[Role.MANAGER], "连锁商户")))


@kind
def application(city: City, side: Side, _caller: Actor) -> Thing:
    """An application of a division that was handed in."""
    _, found = submitted(city.core, area=side.area)
    return Thing(str(found.id), {"application": str(found.id), "kind": "licence"})


@kind
def merchant(city: City, side: Side, _caller: Actor) -> Thing:
    """A merchant with a shop in a division."""
    return Thing(str(entered(city, side.area)[0]))


@shared
def any_merchant(city: City, side: Side, _caller: Actor) -> Thing:
    """A merchant, for staff of the whole city."""
    return Thing(str(entered(city, side.area)[0]))


@shared
def suspended(city: City, side: Side, _caller: Actor) -> Thing:
    """A merchant that was suspended."""
    id, _ = entered(city, side.area)
    what = {"scope": Scope.MERCHANT, "subject": id, "what": [What.REDEMPTIONS]}
    campaigns.stop(city.core, actor=SYSTEM, reason="核查", **what)
    return Thing(str(id))


@shared
def any_change(city: City, side: Side, _caller: Actor) -> Thing:
    """A change of account that a merchant asked for."""
    _, manager = entered(city, side.area)
    return Thing(str(asked(city, manager, "A 商户")))


@shared
def hold(city: City, side: Side, _caller: Actor) -> Thing:
    """A hold on a merchant's payments."""
    id, _ = entered(city, side.area)
    holding.hold_payments(city.core, actor=SYSTEM, merchant=id, reason="核查")
    with city.core.transaction() as session:
        (found,) = holding.holds_of(session, merchant=id)
    return Thing(str(found.id))


def entered(city: City, area: str) -> tuple[MerchantId, Actor]:
    """A new merchant, first by its name, and its manager."""
    core, username = city.core, f"m-{uuid4().hex[:8]}"
    found = merchants.create_merchant(
        core, actor=SYSTEM, name="A 商户", uscc=credit_code(Random()), size_class=SizeClass.SMALL
    )
    shop = merchants.create_shop(
        core, actor=SYSTEM, merchant=found.id, name="A 门店", area=area, trade=Trade.DINING
    )
    manager = merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=shop.id,
        username=username,
        password=f"demo-only-{username}",
        display_name="店长",
        role=Role.MANAGER,
        demo=True,
    )
    actor = merchants.cashier_actor(core, manager.id)
    assert actor is not None
    return found.id, actor


def asked(city: City, manager: Actor, name: str) -> UUID:
    """A change of account, just asked for."""
    return banking.request_change(
        city.core,
        actor=manager,
        kind=AccountKind.CORPORATE,
        name=name,
        number=CORPORATE,
        bank="中国银行",
    )


def new_account(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A future manager."""
    return {"username": f"m-{uuid4().hex[:10]}", "password": PASSWORD, "mobile": MOBILE}


def licence(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """What a licence says."""
    named = {"name": "阳江海味店", "uscc": credit_code(Random()), "legal_person": "林秀英"}
    return named | {"size_class": "small"}


def file(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A photo."""
    return {"kind": "licence", "file": (BytesIO(photo()), "a.jpg")}


SHOP = {"name": "海味店", "area": planned_shop().area, "trade": "retail", "address": "南恩路"}
PERSONAL = {"fields": ["mobile"], "why": "review", "note": "回访核实"}
LETTER = {"commitment": COMMITMENT, "agreed": "yes"}

SHOPKEEPER = (
    get("/apply"),
    post("/apply", sends=typed(new_account)),
    get("/apply/status", TILL, of=begun),
    get("/apply/business", TILL, of=begun),
    post("/apply/business", TILL, of=begun, sends=typed(licence)),
    get("/apply/shops", TILL, of=complete),
    post("/apply/shops", TILL, of=begun, sends=always(data=SHOP)),
    post("/apply/shops/remove", TILL, of=complete, sends=always(data={"number": "1"}), once=True),
    get("/apply/account", TILL, of=complete),
    # the account of another licence
    post("/apply/account", TILL, of=complete, sends=always(data=ACCOUNT), answers=422),
    get("/apply/documents", TILL, of=complete),
    get("/apply/documents/<any(licence, storefront, certificate):kind>", TILL, of=complete),
    post("/apply/documents", TILL, of=begun, sends=typed(file)),
    get("/apply/commitment", TILL, of=complete),
    post("/apply/commitment", TILL, of=complete, sends=always(data=LETTER), once=True),
    get("/account", MANAGER),
    post("/account", MANAGER, of=account_of_ours, sends=always(data=ACCOUNT), once=True),
    post("/account/<uuid:account>/stop", MANAGER, of=own_change, once=True, chain=True),
)

APPLICATIONS = "/merchants/applications"
ONE, MERCHANT = f"{APPLICATIONS}/<uuid:application>", "/merchants/<uuid:merchant>"
CHANGE = "/merchants/accounts/<uuid:account>"

DESK = (
    get(APPLICATIONS, SIGNERS, lists=application),
    get(ONE, SIGNERS, of=application),
    get(f"{ONE}/documents/<any(licence, storefront, certificate):kind>", SIGNERS, of=application),
    post(f"{ONE}/precheck", REVIEWER, of=application, once=True),
    post(f"{ONE}/send-back", REVIEWER, of=application, sends=WHY, once=True),
    post(
        f"{ONE}/reject",
        REVIEWER,
        of=application,
        sends=always(data={"refusal": "不在本市"}),
        once=True,
    ),
    post(
        f"{ONE}/reveal",
        REVIEWER | AUDITOR,
        of=application,
        sends=always(data=PERSONAL),
        answers=200,
    ),
    get("/merchants", SEES, lists=merchant),
    get(MERCHANT, SEES, of=merchant),
    post(f"{MERCHANT}/suspend", REVIEWER, of=any_merchant, sends=WHY, once=True, whole=True),
    post(f"{MERCHANT}/reinstate", REVIEWER, of=suspended, once=True, whole=True),
    post(f"{CHANGE}/propose", REVIEWER, of=any_change, sends=WHY, once=True, whole=True),
    post(f"{CHANGE}/refuse", REVIEWER, of=any_change, sends=WHY, once=True, whole=True),
    post(f"{CHANGE}/stop", REVIEWER, of=any_change, sends=WHY, once=True, whole=True),
    post(
        f"{MERCHANT}/holds",
        REVIEWER | FINANCE,
        of=any_merchant,
        sends=WHY,
        once=True,
        whole=True,
    ),
    post("/merchants/holds/<uuid:hold>/lift", REVIEWER | FINANCE, of=hold, once=True, whole=True),
)
API = "/api/v1"
BACK = {"reason": "请重拍", "findings": {"licence": "四角没拍全"}}
SAID = always(json={"reason": "核查"})
CALLS = (
    get(f"{API}{APPLICATIONS}", SIGNERS, lists=application),
    get(API + ONE, SIGNERS, of=application),
    post(f"{API}{ONE}/precheck", REVIEWER, of=application, answers=202, once=True),
    post(
        f"{API}{ONE}/send-back",
        REVIEWER,
        of=application,
        sends=always(json=BACK),
        answers=204,
        once=True,
    ),
    post(f"{API}{ONE}/reject", REVIEWER, of=application, sends=SAID, answers=204, once=True),
    get(f"{API}/merchants", SEES, lists=merchant),
    get(API + MERCHANT, SEES, of=merchant),
    post(
        f"{API}{MERCHANT}/holds",
        REVIEWER | FINANCE,
        of=any_merchant,
        sends=SAID,
        answers=204,
        once=True,
        whole=True,
    ),
    post(
        f"{API}/merchants/holds/<uuid:hold>/lift",
        REVIEWER | FINANCE,
        of=hold,
        answers=202,
        once=True,
        whole=True,
    ),
)
PUBLIC = (get("/shops"),)

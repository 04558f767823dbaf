"""Settlement in the demonstration: a batch of three days ago that was paid but for one line that
bounced, and one of yesterday that waits for its signature, without a merchant who is held.

It is a replayed programme on days that are over, so its figures are marked synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferKind, OfferPlan, ProgrammeExists, ReleasePlan
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock, start_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId, CashierId, MerchantId, OfferId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, SyntheticShop, Trade
from voucher_service.merchants.service import banking, holding
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish
from voucher_service.replay.strangers import credit_code, strangers
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID, Answer
from voucher_service.settlement.model import Batch, Form
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers

SLUG = "demo-settlement"
_AREA = "441702"
_EACH, _FACE = 2, Money.of_yuan(20)
_ORDER = Money.of_yuan(128)
_QUOTA = 20
_OTHERS = (("漠阳江畔茶楼", "4417000000000017"), ("南恩路百货", "4417000000000025"))
_OWN_ACCOUNT = "4417000000000009"
_BANK, _CNAPS = "中国银行阳江分行", "104589000012"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Office:
    """Who plans, signs, reviews and pays."""

    planner: Actor
    approvers: Sequence[Actor]
    reviewer: Actor
    payer: Actor
    sign: Callable[[Core, ApprovalId], None]


@dataclass(frozen=True, slots=True)
class _Till:
    merchant: MerchantId
    cashier: CashierId
    holder: str
    account: str

    @property
    def actor(self) -> Actor:
        """Who redeems there."""
        return Actor(ActorKind.CASHIER, self.cashier, frozenset({Role.CASHIER}), _AREA)


def load(core: Core, today: date, *, office: Office, own: tuple[MerchantId, CashierId]) -> None:
    """Play both days, once. `own`: the demonstration's merchant and its till."""
    first = today - timedelta(days=3)
    clock = Clock(_at(first, 12))
    past = with_clock(core, clock)
    try:
        campaigns.create_programme(
            past,
            actor=office.planner,
            slug=SLUG,
            name="清算示范",
            name_en="Settlement (demo)",
            brand="moyang",
            opens_on=first,
            closes_on=today,
            synthetic=True,
        )
    except ProgrammeExists:
        return
    tills = _tills(past, clock, own)
    spent = _spending(past, _offer(past, first, today, office), clock)
    for till in tills:
        spent(till)
    _paid(past, clock, first, office, bounces=tills[1].account)
    clock.set(_at(first + timedelta(days=1), 18))
    for till in (tills[0], tills[2]):
        spent(till)
    holding.hold_payments(
        past, actor=office.payer, merchant=tills[2].merchant, reason="门店地址与执照不符，核实中"
    )
    _reviewed(past, clock, first + timedelta(days=1), office)


def _at(day: date, hour: int) -> datetime:
    return start_of(day) + _HOUR * hour


def _offer(core: Core, first: date, last: date, office: Office) -> OfferId:
    plan = OfferPlan(
        title="清算示范券",
        kind=OfferKind.THRESHOLD,
        face_value=_FACE,
        threshold=Money.of_yuan(100),
        quota=_QUOTA,
        per_resident_limit=1,
        valid_days=3,
        # Over before today: nobody finds it among what can be claimed.
        releases=(ReleasePlan(start_of(first), _QUOTA, start_of(last)),),
        slug=SLUG,
    )
    total = _FACE * _QUOTA
    shares = (("city", 7_000), ("jiangcheng", 3_000))
    amounts = total.split([share for _, share in shares])
    lines = tuple(
        WantedLine(funder, amount, share, fallback=funder == "city")
        for (funder, share), amount in zip(shares, amounts, strict=True)
    )
    wanted = WantedCampaign(SLUG, "清算示范", "441700", first, last, (plan,), lines)
    made = publish(core, wanted, planner=office.planner, approvers=office.approvers)
    _, (offer,), _ = campaigns.campaign(core, actor=office.planner, campaign=made.id)
    vouchers.prepare_gate(core, offer=offer.id, refill=False)
    return offer.id


def _tills(core: Core, clock: Clock, own: tuple[MerchantId, CashierId]) -> list[_Till]:
    assert clock.at is not None, "the past has a clock"
    rng = Random(SLUG)
    shops = [
        SyntheticShop(name, credit_code(rng), SizeClass.SMALL, name, _AREA, Trade.DINING)
        for name, _ in _OTHERS
    ]
    made = merchants.register_synthetic_shops(core, shops=shops, now=clock.at)
    tills = [_Till(*own, "阳江市漠阳味道餐饮有限公司", _OWN_ACCOUNT)]
    tills += [
        _Till(one.merchant_id, one.cashier_id, name, account)
        for one, (name, account) in zip(made, _OTHERS, strict=True)
    ]
    with core.transaction() as session:
        for till in tills:
            banking.enter_account(
                session,
                merchant=till.merchant,
                kind=AccountKind.CORPORATE,
                holder={"name": till.holder, "number": till.account},
                bank=_BANK,
                cnaps=_CNAPS,
                requested_by=till.cashier,
                now=clock.at,
            )
    return tills


def _spending(core: Core, offer: OfferId, clock: Clock) -> Callable[[_Till], None]:
    """A function that spends vouchers of new residents at a till."""
    people = strangers(Random(SLUG))

    def spend(till: _Till) -> None:
        assert clock.at is not None, "the past has a clock"
        some = [next(people) for _ in range(_EACH)]
        ids = identity.register_synthetic(core, people=some, now=clock.at)
        asked = [vouchers.Request(Actor(ActorKind.RESIDENT, id), f"{SLUG}-{id}") for id in ids]
        for answer in vouchers.claim_many(core, offer=offer, requests=asked):
            if isinstance(answer, DomainError):
                raise answer
            seconds = core.settings.till.code_window_seconds
            code = codes.make(
                core.keyring,
                code_ref=answer.value.code_ref,
                window=codes.window_of(clock.at, seconds),
                window_seconds=seconds,
            )
            reference = f"S{answer.value.code_ref % 10**10:010d}"
            redemption.redeem(
                core,
                actor=till.actor,
                code=code.text,
                order=Order(_ORDER, reference, f"pay-{reference}"),
                key=f"{SLUG}-{reference}",
            )

    return spend


def _reviewed(core: Core, clock: Clock, day: date, office: Office) -> tuple[Batch, ApprovalId]:
    clock.set(_at(day + timedelta(days=1), core.settings.settlement.draft_hour))
    batch = settlement.draft(core, actor=SYSTEM, day=day, programme=SLUG, synthetic=True)
    assert batch.statement_until is not None, "it was drafted"
    clock.set(batch.statement_until)
    return batch, settlement.review(core, actor=office.reviewer, batch=batch.id)


def _paid(core: Core, clock: Clock, day: date, office: Office, *, bounces: str) -> None:
    batch, approval = _reviewed(core, clock, day, office)
    office.sign(core, approval)
    settlement.send(core, actor=office.payer, batch=batch.id)
    _, content = settlement.bank_file(core, actor=office.payer, batch=batch.id, form=Form.CSV)
    assert clock.at is not None, "the past has a clock"
    number, orders = bank_file.read_orders(content)
    answers = list(_answers(orders, clock.at, bounces))
    settlement.take_return(
        core, actor=office.payer, content=bank_file.write_answers(Form.CSV, number, answers)
    )


def _answers(
    orders: Sequence[tuple[str, str, Money]], at: datetime, bounces: str
) -> Iterator[Answer]:
    for flow, account, amount in orders:
        back = account == bounces
        yield Answer(
            line=0,
            flow_number=flow,
            amount=amount,
            answer=BOUNCED if back else PAID,
            reason="收款账户已销户" if back else "",
            reference="" if back else f"DEMO{flow[-8:]}",
            at=at,
        )

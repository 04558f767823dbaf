"""Applications that were approved long ago, written as they stand, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from uuid import UUID

from tests.make import CITY, JIANGCHENG, World
from tests.services.car_applicants import CARD, digits, vin
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, CampaignKind
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import recording, store
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import ApplicationStatus
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.applications.tables import ApplicationRow
from voucher_service.tradein.policy import Category, Scheme
from voucher_service.tradein.qualifications import Every
from voucher_service.tradein.quote import under
from voucher_service.tradein.revision import Decision
from voucher_service.tradein.revisions.model import Kind, Status
from voucher_service.tradein.revisions.tables import RevisionLineRow, RevisionRow


def approve_long_ago(world: World, made: Iterable[tuple[Decision, date]]) -> dict[UUID, Decision]:
    """Each decision that paid something, as an approved application of one resident; by its id."""
    resident, reviewer = world.resident().id, world.staff(Role.REVIEWER).id
    told = {new_id(): (one, on) for one, on in made if one.subsidy}
    with world.core.transaction() as session:
        session.add_all(
            _row(world, id, one, datetime.combine(on, time(12), SHANGHAI), resident, reviewer)
            for id, (one, on) in told.items()
        )
    return {id: one for id, (one, _) in told.items()}


def _row(
    world: World,
    id: UUID,
    one: Decision,
    at: datetime,
    resident: UUID | None,
    reviewer: UUID | None,
) -> ApplicationRow:
    person = {"holder": "陈一", "number": CARD}
    case = one.case
    return ApplicationRow(
        id=id,
        resident_id=resident,
        scheme=case.scheme,
        status=ApplicationStatus.APPROVED,
        area=JIANGCHENG,
        content={"card": {"bank": "农业银行阳江分行"}},
        person_cipher=store.encrypt_person(world.core.keyring, id, person),
        new_vin=vin(),
        old_vin=vin() if case.old else None,
        invoice=digits(20),
        paper=digits(20) if case.old else None,
        bought_on=case.on,
        policy_id=one.policy_id,
        subsidy_fen=one.subsidy,
        decision=recording.as_json(case, under(shelf.policy(one.policy_id), case)),
        filed_at=at,
        submitted_at=at,
        prechecked_at=at,
        prechecked_by=reviewer,
        decided_at=at,
        occurred_at=at,
    )


def owed_for_a_sale(world: World, resident: UUID | None, *, area: str = CITY) -> tuple[UUID, UUID]:
    """What a resident gets more of a sale by an approved revision: its id and the sale's."""
    now, sale = world.now(), new_id()
    made = RevisionRow(
        id=new_id(),
        policy_id="appliance-2026",
        policies=["appliance-2026"],
        scheme=Scheme.APPLIANCE,
        campaign_id=paying_campaign(world, Money(1)).id,
        area=area,
        known_until=now.date(),
        status=Status.APPROVED,
        cursor_at=now,
        cursor_id=sale,
        seen=1,
        changed=1,
        more_fen=Money(5_000),
        list_sha256="0" * 64,
        created_by=world.planner.id,
        created_at=now,
        decided_at=now,
    )
    with world.core.transaction() as session:
        session.add(made)
        session.flush()
        session.add(
            RevisionLineRow(
                revision_id=made.id,
                subject_id=sale,
                kind=Kind.SALE,
                resident_id=resident,
                category=Category.TELEVISION,
                area=JIANGCHENG,
                before_fen=Money(60_000),
                after_fen=Money(65_000),
                reasons=[],
            )
        )
    return made.id, sale


def paying_campaign(world: World, spare: Money, *, area: str = CITY) -> Campaign:
    """A trade-in campaign that runs, whose lines have this much beyond what its pool needs."""
    programme = world.programme(days=20)
    rules = max(
        (one.published_on, one.id)
        for one in shelf.shelf()
        if one.scheme is Scheme.CAR_SCRAP and one.first <= programme.opens_on <= one.last
    )
    found = campaigns.create_campaign(
        world.core,
        actor=world.planner,
        programme=programme.slug,
        name="汽车以旧换新",
        kind=CampaignKind.TRADE_IN,
        area=area,
        opens_on=programme.opens_on,
        closes_on=programme.closes_on,
    ).value
    pool = applications.create_pool(
        world.core,
        actor=world.planner,
        campaign=found.id,
        plan=ApplicationPoolPlan("汽车名额", rules[1], Every.MONTH, 1),
    ).value
    needed = pool.offer.face_value * pool.offer.quota
    world.line(found.id, needed + spare)
    world.publish(found.id)
    return found

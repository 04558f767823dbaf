"""After the sale: papers, batches by risk, a drawn sample, and two people before any money."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.services.car_applicants import named
from tests.services.reviewing import batched, look, own, payable
from tests.services.sold import MONDAY, SUBSIDY, WEEK, Street, picture
from tests.services.weighed import weigh
from voucher_service.allocation import degraded
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, OwnWork, SamePerson
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import RedemptionId, ResidentId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.reports.review_invariants import REVIEWS
from voucher_service.tradein.identifiers import InvoiceInvalid
from voucher_service.tradein.review import sampling, service
from voucher_service.tradein.review.model import (
    AnswerEmpty,
    AnswerTooLate,
    BatchStatus,
    InvoiceNumberNeeded,
    InvoiceTaken,
    OwnPurchase,
    ProofKind,
    ProofLocked,
    ProofNotAsked,
    ReviewStatus,
    SampleOpen,
    Way,
)
from voucher_service.tradein.risk import service as risk
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import SaleStatus

INVOICE, UNBOXING, ACTIVATION = ProofKind.INVOICE, ProofKind.UNBOXING, ProofKind.ACTIVATION
# Of twelve phones five are looked at, ten after a bad one: small enough to walk in a test.
RULES = {"tolerated_bps": 2_500, "confidence_bps": 8_000, "widenings": 1}


@pytest.fixture(scope="module")
def street(core: Core) -> Street:
    degraded._AGAIN_SECONDS = 0.0
    return Street(with_clock(core, Clock(MONDAY))).with_rules(**RULES)


@pytest.fixture(scope="module")
def reviewer(street: Street) -> Actor:
    return street.world.staff(Role.REVIEWER)


@pytest.fixture
def till(street: Street) -> Actor:
    return street.world.cashier()


def test_what_is_missing_is_named_until_the_last_paper_makes_it_complete(
    street: Street, till: Actor
) -> None:
    sale = street.sell(till)
    found = own(street, till, sale)
    assert (found.status, found.missing) == (
        ReviewStatus.COLLECTING,
        (INVOICE, UNBOXING, ACTIVATION),
    )
    assert found.due_at == MONDAY + timedelta(days=15)
    street.hand_in(till, sale, UNBOXING)
    assert street.hand_in(till, sale, INVOICE).missing == (ACTIVATION,)
    assert street.hand_in(till, sale, ACTIVATION).status is ReviewStatus.COMPLETE


def test_an_invoice_stands_with_one_sale_for_ever(street: Street, till: Actor) -> None:
    first, second = street.sell(till), street.sell(street.world.cashier())
    number = "26442000000099990001"
    street.hand_in(till, first, INVOICE, number=number)
    street.hand_in(till, first, INVOICE, number=number)
    with pytest.raises(InvoiceTaken):
        street.hand_in(till, street.sell(till), INVOICE, number=f" {number[:10]} {number[10:]}")
    with street.core.transaction() as session:
        sales.undo(session, id=first, current=SaleStatus.SOLD)
    with pytest.raises(NoSuchThing):  # nor is a sale of another shop there
        street.hand_in(till, second, INVOICE, number=number)
    with pytest.raises(InvoiceTaken):
        street.hand_in(till, street.sell(till), INVOICE, number=number)


def test_an_invoice_comes_with_a_number_and_only_what_is_asked_for_is_taken(
    street: Street, till: Actor
) -> None:
    sale = street.sell(till)
    with pytest.raises(InvoiceInvalid):
        street.hand_in(till, sale, INVOICE, number="123")
    with pytest.raises(InvoiceNumberNeeded):
        street.hand_in(till, sale, INVOICE, number="")
    with pytest.raises(ProofNotAsked):
        street.hand_in(till, sale, ProofKind.DELIVERY)


def test_what_comes_to_nothing_drops_out(street: Street, till: Actor, reviewer: Actor) -> None:
    gone, stays = street.complete(till, 2)
    with street.core.transaction() as session:
        sales.undo(session, id=gone, current=SaleStatus.SOLD)
    assert service.close_undone(street.core)
    assert own(street, till, gone).status is ReviewStatus.UNDONE
    (batch,) = batched(street, reviewer, till)
    assert [one.subject_id for one in batch.lines] == [stays]


def test_a_second_person_releases_what_a_sample_bore_out(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 12)
    street.sell(till)  # its papers are missing: it waits for another batch
    (batch,) = batched(street, reviewer, till)
    assert (batch.way, batch.count, batch.total) == (Way.SAMPLE, 12, SUBSIDY * 12)
    assert len(batch.sample) == sampling.needed(12, batch.plan) == 5
    with pytest.raises(ProofLocked):
        street.hand_in(till, sold[0], UNBOXING)
    with pytest.raises(SampleOpen) as refused:
        service.propose(street.core, actor=reviewer, batch=batch.id)
    assert refused.value.extra == {"left": 5}
    stands = look(street, reviewer, batch)
    proposal = service.propose(street.core, actor=reviewer, batch=batch.id)
    assert proposal is not None
    assert payable(street, *sold) == set()
    both = Actor(reviewer.kind, reviewer.id, frozenset({Role.REVIEWER, Role.APPROVER}))
    with pytest.raises(SamePerson):
        approvals.approve(street.core, actor=both, approval=proposal)
    street.at(MONDAY + WEEK).world.approve(proposal)
    assert payable(street, *sold) == set(sold)
    done = service.batch(street.core, actor=reviewer, batch=batch.id)
    assert (done.status, stands.left) == (BatchStatus.DONE, 0)
    times = service.cash_times(street.at(MONDAY + WEEK).core, actor=reviewer)
    assert {one.median for one in times} == {WEEK}


def test_who_looked_at_a_line_does_not_sign_for_the_batch(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    street.complete(till, 2)
    (batch,) = batched(street, reviewer, till)
    roles = frozenset({Role.REVIEWER, Role.APPROVER})
    colleague = Actor(reviewer.kind, street.world.staff(*roles).id, roles)
    look(street, colleague, batch)
    proposal = service.propose(street.core, actor=reviewer, batch=batch.id)
    assert proposal is not None
    with pytest.raises(OwnWork):
        approvals.approve(street.core, actor=colleague, approval=proposal)


def test_a_bad_one_is_refused_at_once_and_widens_the_sample_and_a_second_means_all(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 12)
    (batch,) = batched(street, reviewer, till)
    one, another = (line.subject_id for line in batch.sample[:2])
    stands = look(street, reviewer, batch, one)
    assert len(stands.sample) == sampling.needed(12, batch.plan, 1) > 5
    assert own(street, till, RedemptionId(one)).reason == "序列号看不清"
    service.judge(
        street.core, actor=reviewer, batch=batch.id, subject=another, good=False, reason="假"
    )
    stands = service.batch(street.core, actor=reviewer, batch=batch.id)
    assert (len(stands.sample), stands.passing) == (12, ())
    look(street, reviewer, stands)
    proposal = service.propose(street.core, actor=reviewer, batch=batch.id)
    assert proposal is not None
    street.world.approve(proposal)
    assert payable(street, *sold) == set(sold) - {one, another}


def test_a_refused_sale_is_answered_with_another_paper_and_looked_at_by_itself(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 2)
    (batch,) = batched(street, reviewer, till)
    look(street, reviewer, batch, *sold)
    assert service.propose(street.core, actor=reviewer, batch=batch.id) is None  # nothing is left
    refused, forgotten = sold
    with pytest.raises(AnswerEmpty):
        service.answer(street.core, actor=till, sale=refused)
    late = street.at(MONDAY + timedelta(days=10))
    with pytest.raises(AnswerTooLate):
        late.hand_in(till, forgotten, UNBOXING)
    soon = street.at(MONDAY + timedelta(days=1))
    soon.hand_in(till, refused, UNBOXING)
    answered = service.answer(soon.core, actor=till, sale=refused)
    assert answered.status is ReviewStatus.COMPLETE
    later = street.at(MONDAY + 2 * WEEK)
    service.batch_due(later.core)
    page = service.queue(
        later.core, actor=reviewer, status=BatchStatus.OPEN, cursor=None, limit=200
    )
    again = [service.batch(later.core, actor=reviewer, batch=one.id) for one in page.items]
    (alone,) = [one for one in again if refused in {line.subject_id for line in one.lines}]
    assert (alone.way, own(later, till, refused).alone) == (Way.EACH, True)
    look(later, reviewer, alone)
    proposal = service.propose(later.core, actor=reviewer, batch=alone.id)
    assert proposal is not None
    later.world.approve(proposal)
    assert payable(later, refused, forgotten) == {refused}


def test_only_the_risky_slice_is_held_and_released_one_by_one(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 4)
    weigh(street.core, "sale", {sold[0]: 80, sold[1]: 60, sold[2]: 49})
    heavy, rest = batched(street, reviewer, till)
    assert [one.subject_id for one in heavy.lines] == sold[:2]  # the heavier first
    assert {one.subject_id for one in rest.lines} == set(sold[2:])
    service.judge(street.core, actor=reviewer, batch=heavy.id, subject=sold[0], good=True)
    first = service.propose(street.core, actor=reviewer, batch=heavy.id)
    assert first is not None
    street.world.approve(first)
    assert payable(street, *sold) == {sold[0]}
    stands = service.batch(street.core, actor=reviewer, batch=heavy.id)
    assert (stands.status, stands.left) == (BatchStatus.OPEN, 1)
    service.judge(
        street.core, actor=reviewer, batch=heavy.id, subject=sold[1], good=False, reason="假"
    )
    assert service.propose(street.core, actor=reviewer, batch=heavy.id) is None
    stands = service.batch(street.core, actor=reviewer, batch=heavy.id)
    assert stands.status is BatchStatus.DONE


def test_the_draw_was_on_record_before_there_was_a_list(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 6)
    (batch,) = batched(street, reviewer, till)
    assert batch.seed is not None and batch.seed_committed_at is not None
    assert batch.seed_committed_at <= MONDAY < batch.made_at
    assert [one.subject_id for one in batch.lines] == sampling.drawn(batch.seed, sold)
    assert batch.list_sha256 == sampling.fingerprint(sold)
    with street.core.transaction() as session:
        told = session.execute(
            text(
                "SELECT detail ->> 'sha256', occurred_at FROM audit.event"
                " WHERE action = 'review_seed.committed' AND detail ->> 'sha256' = :sha256"
            ),
            {"sha256": sampling.commitment(batch.seed)},
        ).all()
    assert [tuple(one) for one in told] == [(sampling.commitment(batch.seed), MONDAY)]


def test_a_copied_photo_stands_beside_its_original_of_another_shop(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    shot, other = picture(), street.world.cashier()
    first = street.sell(other)
    street.hand_in(other, first, UNBOXING, data=shot)
    while risk.assess_due(street.core):
        pass
    soon = street.at(MONDAY + timedelta(hours=1))
    copy = soon.sell(till)
    for kind in (INVOICE, ACTIVATION, UNBOXING):
        soon.hand_in(till, copy, kind, data=shot if kind is UNBOXING else None)
    while risk.assess_due(soon.core):
        pass
    (batch,) = batched(street, reviewer, till)
    asked = {"actor": reviewer, "batch": batch.id, "sale": copy}
    found = service.dossier(street.core, **asked)
    assert (batch.way, [one.kind for one in found.look.findings]) == (Way.EACH, ["same_photo"])
    assert [(kind, twin.sale_id) for kind, twin in found.twins.items()] == [(UNBOXING, first)]
    original = service.proof(street.core, kind=UNBOXING, twin=True, **asked)
    assert original == service.own_proof(street.core, actor=other, sale=first, kind=UNBOXING)
    with pytest.raises(NoSuchThing):
        service.proof(street.core, kind=ACTIVATION, twin=True, **asked)


def test_what_changed_since_it_was_proposed_is_not_released(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    sold = street.complete(till, 3)
    (batch,) = batched(street, reviewer, till)
    look(street, reviewer, batch)
    proposal = service.propose(street.core, actor=reviewer, batch=batch.id)
    assert proposal is not None
    with street.core.transaction() as session:
        sales.undo(session, id=sold[0], current=SaleStatus.SOLD)
    with pytest.raises(ChangedSinceProposed):
        street.world.approve(proposal)
    assert payable(street, *sold) == set()


def test_nobody_reviews_what_was_bought_in_their_own_name(street: Street, till: Actor) -> None:
    buyer = street.world.resident()
    assert buyer.id is not None
    with street.core.transaction() as session:
        name = identity.name_of(session, keyring=street.core.keyring, resident=ResidentId(buyer.id))
    assert name is not None
    namesake = named(street.world, name, Role.REVIEWER)
    sale = street.sell(till, buyer)
    for kind in (UNBOXING, ACTIVATION, INVOICE):
        street.hand_in(till, sale, kind)
    (batch,) = batched(street, namesake, till)
    with pytest.raises(OwnPurchase):
        service.judge(street.core, actor=namesake, batch=batch.id, subject=sale, good=True)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("sale_review SET status = 'released', released_at = sold_at WHERE id", "sale {}"),
        ("review_line SET released = true WHERE subject_id", "line of sale {}"),
        (
            "sale_evidence SET number = NULL, kind = 'delivery' WHERE number > '' AND sale_id",
            "sale {}",
        ),
    ],
)
def test_money_that_nobody_released_is_a_breach(
    street: Street, till: Actor, reviewer: Actor, change: str, found: str
) -> None:
    (sale,) = street.complete(till)
    batched(street, reviewer, till)
    with street.core.transaction() as session:
        for told in (set(), {found.format(sale)}):
            cases = {one for each in REVIEWS.values() for one in session.scalars(text(each))}
            assert cases == told
            session.execute(text(f"UPDATE {change} = '{sale}'"))
        session.rollback()


def test_a_verdict_is_the_reviewers_and_not_taken_back(
    street: Street, till: Actor, reviewer: Actor
) -> None:
    (sale,) = street.complete(till)
    (batch,) = batched(street, reviewer, till)
    asked = {"batch": batch.id, "subject": sale}
    with pytest.raises(NotAllowed):
        service.judge(street.core, actor=street.world.staff(Role.AUDITOR), good=True, **asked)
    elsewhere = street.world.staff(Role.REVIEWER, area="441781")
    with pytest.raises(NoSuchThing):
        service.judge(street.core, actor=elsewhere, good=True, **asked)
    service.judge(street.core, actor=reviewer, good=False, reason="假", **asked)
    with pytest.raises(IllegalTransition):
        service.judge(street.core, actor=reviewer, good=True, **asked)


def test_a_shop_sees_its_own_by_how_far_they_are(street: Street, till: Actor) -> None:
    (complete,), missing = street.complete(till), street.sell(till)
    service.open_due(street.core)
    assert service.wanting(street.core, actor=till) == 1

    def ids(which: service.Filter) -> list[UUID]:
        page = service.mine(street.core, actor=till, which=which, cursor=None, limit=10)
        return [one.sale_id for one in page.items]

    assert ids(service.Filter.TODO) == [missing]
    assert ids(service.Filter.WAITING) == [complete]
    assert set(ids(service.Filter.ALL)) == {complete, missing}
    first = service.mine(street.core, actor=till, which=service.Filter.ALL, cursor=None, limit=1)
    second = service.mine(
        street.core, actor=till, which=service.Filter.ALL, cursor=first.next, limit=1
    )
    assert [one.sale_id for one in (*first.items, *second.items)] == ids(service.Filter.ALL)
    with pytest.raises(NoSuchThing):
        own(street, street.world.cashier(), missing)

"""What people decided about a difference stands when a newer file says the same again."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import told, written
from tests.reconciliation.test_working import held, one
from tests.services.giving_back import refund
from voucher_service.alarms import service as alarms
from voucher_service.approvals import service as approvals
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import SHANGHAI, Clock, day_of, end_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import CashierId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation.differences import line_store, model, service
from voucher_service.reconciliation.differences.layout import LineKind
from voucher_service.reconciliation.differences.model import ChannelFile, Status
from voucher_service.reconciliation.model import Finding
from voucher_service.redemption import service as redemption

Make = Callable[[], Channel]
READ = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables
WHERE relname IN ('channel_line', 'difference')
"""


@pytest.fixture
def ghost(channel: Make) -> Channel:
    """An order that the channel does not know, beside one that it does."""
    here = channel()
    here.order(paid=False)
    here.order()
    here.take()
    return here


def close(here: Channel, finding: Finding, amount: Money | None) -> None:
    """What two people do about the one difference of that kind."""
    found = one(here, finding)
    here.world.approve(
        service.propose(
            here.core, actor=here.finance, difference=found.id, amount=amount, reason="核对过"
        )
    )


def newer(here: Channel) -> ChannelFile:
    """A newer file of the day, with one line more."""
    here.order()
    return here.take()


def found_in(made: ChannelFile) -> dict[str, int]:
    return {str(finding): count for finding, count in made.counts.items() if count}


def test_what_two_people_accepted_is_not_held_again_by_a_newer_file(ghost: Channel) -> None:
    close(ghost, Finding.ONLY_OURS, None)
    made = newer(ghost)
    assert found_in(made) == {"matched": 2, "only_ours": 1}
    assert (made.open, ghost.differences()) == (0, [])
    assert not held(ghost.core, ghost.orders[0].id)
    stands: list[Status | None] = []
    service.export(
        ghost.core,
        actor=ghost.finance,
        file=made.id,
        write=lambda _file, _tie, lines: stands.extend(line.status for line in lines),
    )
    assert Counter(stands) == {None: 2, Status.ACCEPTED: 1}


def test_a_newer_file_agrees_with_books_that_were_corrected(ghost: Channel) -> None:
    """Neither is the order missed once more, nor a refund that no channel made."""
    close(ghost, Finding.ONLY_OURS, Money(12_800))
    made = newer(ghost)
    assert found_in(made) == {"matched": 2}
    assert ghost.differences() == []
    again = ghost.take(*ghost.lines, ghost.line(ghost.reference(), 700))
    assert found_in(again) == {"matched": 2, "only_theirs": 1}
    sample = io.BytesIO()
    lines = service.sample(ghost.core, format="wechat", day=day_of(ghost.now()), out=sample)
    assert lines == 2


def test_an_order_that_was_given_back_wrongly_is_seen_when_the_channel_has_it_after_all(
    ghost: Channel,
) -> None:
    lost = one(ghost, Finding.ONLY_OURS).line.reference
    close(ghost, Finding.ONLY_OURS, Money(12_800))
    ghost.lines.append(ghost.line(lost, 10_800))
    made = ghost.take()
    assert found_in(made) == {"matched": 1, "undone": 1}
    (seen,) = ghost.differences()
    assert (seen.line.reference, seen.holds) == (lost, False)


def test_a_part_that_was_corrected_is_not_given_back_twice(channel: Make) -> None:
    here = channel()
    order = here.order()
    here.order()
    here.lines[0] = replace(here.lines[0], paid=5_400)
    here.take()
    close(here, Finding.AMOUNT_DIFFERS, Money(6_400))
    made = newer(here)
    assert (made.open, here.differences()) == (0, [])
    assert not held(here.core, order.id)
    here.lines[0] = replace(here.lines[0], paid=3_400)
    here.take()
    less = one(here, Finding.AMOUNT_DIFFERS)
    assert less.line.ours is not None
    left = Money(12_800 - 6_400)
    ours, given = less.line.ours, model.give_back(less.line, left)
    assert (ours.order, given) == (left, ours.paid - Money(3_400))
    assert held(here.core, order.id)
    assert given is not None and ZERO < given < Money(10_800 - 3_400)
    close(here, Finding.AMOUNT_DIFFERS, given)
    told = redemption.get(here.core, actor=here.cashier, redemption=order.id)
    assert told.refunded == Money(6_400) + given
    assert not held(here.core, order.id)


def test_what_another_file_led_to_give_back_is_not_offered_once_more(channel: Make) -> None:
    """The channel and the till both know half of an order."""
    here = channel()
    order = here.order()
    here.order()
    here.take(replace(here.lines[0], paid=5_400), here.lines[1])
    with here.core.transaction() as session:
        shop = merchants.till(session, cashier=CashierId(here.cashier.id)).shop_id
        references = {o.id: o.order_reference for o in here.orders}
    half, whole = (
        told(references[o.id], paid, at=here.now(), order=of, discount=discount)
        for o, paid, of, discount in zip(
            here.orders, (5_400, 10_800), (6_400, 12_800), (1_000, 2_000), strict=True
        )
    )
    service.take(
        here.core,
        actor=here.finance,
        format="till",
        file_name="till.csv",
        source=io.BytesIO(written("till", [half, whole])),
        shop=shop,
    )
    by_channel, by_till = sorted(here.differences(), key=lambda o: o.format, reverse=True)
    assert (by_channel.format, by_till.format) == ("wechat-2023", "till-2026")
    here.world.approve(
        service.propose(
            here.core,
            actor=here.finance,
            difference=by_channel.id,
            amount=Money(6_400),
            reason="只有一半",
        )
    )
    left = service.difference(here.core, actor=here.finance, difference=by_till.id)
    assert (left.left, left.corrected) == (Money(6_400), Money(6_400))
    assert model.give_back(left.line, left.left or ZERO, left.corrected) is None
    assert held(here.core, order.id)


def test_what_one_explained_stays_so_and_what_a_file_explained_may_come_back(
    channel: Make,
) -> None:
    here = channel()
    here.order()
    right = list(here.lines)
    stray = here.line(here.reference(), 700)
    here.take(*right, stray)
    here.take(*right)
    assert here.differences() == []
    here.lines = [*right, stray]
    newer(here)
    again = one(here, Finding.ONLY_THEIRS)
    service.explain(here.core, actor=here.finance, difference=again.id, text="没用券的订单")
    newer(here)
    assert here.differences() == []
    here.lines[1] = replace(stray, paid=900)
    here.take()
    other = one(here, Finding.ONLY_THEIRS)
    assert other.line.theirs is not None and other.line.theirs.paid == Money(900)


def test_an_order_that_the_shop_refunds_meanwhile_is_not_given_back_as_it_was_proposed(
    ghost: Channel, world: World
) -> None:
    order, found = ghost.orders[0], one(ghost, Finding.ONLY_OURS)

    def propose(fen: int) -> object:
        return service.propose(
            ghost.core, actor=ghost.finance, difference=found.id, amount=Money(fen), reason="没有"
        )

    proposal = propose(12_800)
    refund(world, ghost.cashier, order, 2_800)
    with pytest.raises(DomainError) as refusal:
        world.approve(proposal)  # type: ignore[arg-type]
    assert refusal.value.code in {"refund_exceeds_order", "changed_since_proposed"}
    assert ghost.differences(Status.PROPOSED)[0].id == found.id
    assert held(ghost.core, order.id)
    approvals.reject(
        ghost.core,
        actor=world.approver,
        approval=proposal,  # type: ignore[arg-type]
        reason="门店退了一部分",
    )
    assert held(ghost.core, order.id)
    world.approve(propose(10_000))  # type: ignore[arg-type]
    told = redemption.get(ghost.core, actor=ghost.cashier, redemption=order.id)
    assert (told.refunded, held(ghost.core, order.id)) == (Money(12_800), False)
    newer(ghost)
    # That the shop gave money back is its own affair, and no order of it is held.
    assert [(o.line.kind, o.holds) for o in ghost.differences()] == [(LineKind.REFUND, False)]


def test_a_deadline_over_a_weekend_is_the_end_of_its_day_and_not_before(
    channel: Make, world: World
) -> None:
    here, auditor = channel(), world.staff(Role.AUDITOR)
    here.order(paid=False)
    here.order()
    now = here.now().astimezone(SHANGHAI)
    friday = now.replace(hour=23, minute=30) + timedelta(days=(4 - now.weekday()) % 7)

    def at(moment: object) -> Core:
        return with_clock(here.core, Clock(moment))  # type: ignore[arg-type]

    def alarmed(moment: object) -> bool:
        service.watch(at(moment))
        found = alarms.page(here.core, actor=auditor, still_open=True, cursor=None, limit=100)
        return any(one.subject == service.OVERDUE for one in found.items)

    late = replace_core(here, at(friday))
    late.take()
    found = one(late, Finding.ONLY_OURS)
    wednesday = day_of(friday) + timedelta(days=here.core.settings.matching.difference_days)
    assert found.due_at == end_of(wednesday)
    sunday = friday + timedelta(days=2)
    second = timedelta(seconds=1)
    assert [alarmed(sunday), alarmed(found.due_at - second), alarmed(found.due_at)] == [
        False,
        False,
        True,
    ]
    assert (found.late(found.due_at - second), found.late(found.due_at)) == (False, True)
    close(late, Finding.ONLY_OURS, None)
    assert not alarmed(found.due_at + second)


def replace_core(here: Channel, core: Core) -> Channel:
    """The same channel at another instant."""
    return replace(here, world=World(core))


def test_what_was_decided_is_looked_up_by_the_line_and_not_read_for_each(
    channel: Make, owner: Engine
) -> None:
    here, many = channel(), 40
    here.order()
    strange = [here.line(here.reference(), 700) for _ in range(2 * many)]
    here.take(*here.lines, *strange[:many])
    with owner.begin() as connection:
        connection.execute(text("UPDATE difference SET status = 'accepted', closed_at = now()"))
    newer = here.take(*here.lines, *strange[many:])
    with here.core.transaction() as session:
        # Tables this small may as well be read whole.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        before = session.execute(text(READ)).scalar_one()
        found = list(
            line_store.unmatched(
                session, file=newer.id, channel="wechat", scope="", also_theirs=True
            )
        )
        read = session.execute(text(READ)).scalar_one() - before
    assert len(found) == many
    assert many <= read < 3 * many

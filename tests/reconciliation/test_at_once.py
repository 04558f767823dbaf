"""Two people, or two imports, at the same instant: one counts, and what must wait still waits."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Barrier

import pytest

from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from tests.reconciliation.test_working import held, one
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status as Signing
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import formats, service
from voucher_service.reconciliation.differences.model import ChannelFile, Status
from voucher_service.reconciliation.model import Finding

Make = Callable[[], Channel]


def together(*acts: Callable[[], object]) -> Counter[str]:
    """What came of each, all begun at the same instant: "done", or why not."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        barrier.wait(10)
        try:
            act()
        except DomainError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as crowd:
        return Counter(crowd.map(run, acts))


@contextmanager
def beside() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Begins something in another thread and gives it half a second: it may wait longer."""
    with ThreadPoolExecutor(1) as other:

        def begin(act: Callable[[], object]) -> Future[object]:
            begun = other.submit(act)
            with suppress(TimeoutError):
                begun.exception(0.5)
            return begun

        yield begin


@pytest.fixture
def ghost(channel: Make) -> Channel:
    """An order that the channel does not know, beside one that it does."""
    here = channel()
    here.order(paid=False)
    here.order()
    here.take()
    return here


def test_of_two_proposals_at_once_one_stands(ghost: Channel, world: World) -> None:
    found, other = one(ghost, Finding.ONLY_OURS), world.staff(Role.FINANCE)

    def propose(actor: object, amount: Money | None) -> Callable[[], object]:
        return lambda: service.propose(
            ghost.core,
            actor=actor,  # type: ignore[arg-type]
            difference=found.id,
            amount=amount,
            reason="渠道没有",
        )

    came = together(propose(ghost.finance, Money(12_800)), propose(other, None))
    assert came == {"done": 1, "illegal_transition": 1}
    (stands,) = ghost.differences(Status.PROPOSED)
    approval = approvals.latest(
        ghost.core, actor=world.approver, about=stands.id, status=Signing.WAITING
    )
    assert approval is not None
    assert approval.action == (service.CORRECT if stands.correction else service.ACCEPT)


def test_a_signature_and_a_withdrawal_at_once_leave_one_of_both(
    ghost: Channel, world: World
) -> None:
    order = ghost.orders[0]
    for _ in range(5):
        found = one(ghost, Finding.ONLY_OURS)
        proposal = service.propose(
            ghost.core, actor=ghost.finance, difference=found.id, amount=Money(100), reason="错数"
        )
        came = together(
            lambda p=proposal: approvals.approve(ghost.core, actor=world.approver, approval=p),
            lambda p=proposal: approvals.reject(
                ghost.core, actor=ghost.finance, approval=p, reason="再查"
            ),
        )
        assert came == {"done": 1, "already_decided": 1}
        closed = ghost.differences(Status.CORRECTED)
        assert held(ghost.core, order.id) == (not closed)
        if closed:
            break


def test_the_same_bytes_in_two_formats_at_once_count_once(
    channel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = channel()
    here.order()
    known = formats.get("wechat")
    copy = replace(known, id="copied-2026", channel="copied")
    shelf = dict(formats.shelf()) | {copy.id: copy}
    monkeypatch.setattr(formats, "shelf", lambda: shelf)
    content = written("wechat", here.lines)
    begun: list[Future[object]] = []

    def take(format: str, end: Callable[..., None] | None = None) -> ChannelFile:
        return service.take(
            here.core,
            actor=here.finance,
            format=format,
            file_name="bill.csv",
            source=io.BytesIO(content),
            end=end,
        )

    with beside() as begin:
        take("wechat", lambda *_: begun.append(begin(lambda: take(copy.id))))
        refusal = begun[0].exception(10)
    assert isinstance(refusal, DomainError) and refusal.code == "channel_file_known"
    assert here.differences() == []


def test_an_order_that_an_import_holds_is_not_let_go_by_who_closes_another_difference(
    ghost: Channel, world: World
) -> None:
    """The city's file and the merchant's both lack the order; the first difference is closed while
    the import that finds the second one has not ended.
    """
    order, found = ghost.orders[0], one(ghost, Finding.ONLY_OURS)
    proposal = service.propose(
        ghost.core, actor=ghost.finance, difference=found.id, amount=None, reason="有小票"
    )
    begun: list[Future[object]] = []
    with beside() as begin:
        service.take(
            ghost.core,
            actor=ghost.finance,
            format="wechat",
            file_name="merchant.csv",
            source=io.BytesIO(written("wechat", ghost.lines) + b"\r\n"),
            merchant=ghost.merchant(),
            end=lambda *_: begun.append(begin(lambda: world.approve(proposal))),
        )
        assert begun[0].exception(10) is None
    assert [o.status for o in ghost.differences(Status.ACCEPTED)] == [Status.ACCEPTED]
    second = one(ghost, Finding.ONLY_OURS)
    assert second.holds and held(ghost.core, order.id)
    world.approve(
        service.propose(
            ghost.core, actor=ghost.finance, difference=second.id, amount=None, reason="有小票"
        )
    )
    assert not held(ghost.core, order.id)

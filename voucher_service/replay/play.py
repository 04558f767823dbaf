"""Play a plan: every claim and every redemption through the real services, on the replay's clock.

A campaign is played in the order of time by one process; several processes play campaigns side by
side. Keys and order references follow from the plan, so that a resumed run repeats nothing.
"""

from __future__ import annotations

import heapq
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.queues import SimpleQueue
from operator import attrgetter
from pathlib import Path
from uuid import UUID

from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock, end_of, start_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.settings import Settings
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher

from .again import ReplayFailed, again
from .plan import ClaimBatch, Plan, PlannedCampaign, PlannedOffer, PlannedRedemption
from .play_fields import FieldPlayer
from .stage import Stage, offer_id

PROCESSES = 2
_REPORT_EVERY = 200


@dataclass(frozen=True)
class Progress:
    """How much a player did since it last said so; `cases` are those of trade-in that ended."""

    claims: int = 0
    redemptions: int = 0
    cases: int = 0


@dataclass(frozen=True)
class _Step:
    at: datetime
    offer: PlannedOffer
    what: ClaimBatch | PlannedRedemption


def play(
    settings: Settings, plan: Plan, stage_file: Path, report: Callable[[Progress], None]
) -> None:
    """Play every campaign and every field of trade-in. Raises ReplayFailed."""
    context = multiprocessing.get_context("spawn")
    progress: SimpleQueue[Progress] = context.SimpleQueue()
    by_size = sorted(plan.campaigns, key=lambda one: -one.cell.issued_fen)
    with ProcessPoolExecutor(
        PROCESSES,
        mp_context=context,
        initializer=_begin,
        initargs=(settings, plan, stage_file, progress),
    ) as pool:
        # A field is played by one process, so that its claims come in the order of time.
        fields = {pool.submit(_play_field, one.field.slug) for one in plan.targets.fields}
        running = fields | {pool.submit(_play_campaign, one.slug) for one in by_size}
        while running:
            done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            while not progress.empty():
                report(progress.get())
            for one in done:
                one.result()
        while not progress.empty():
            report(progress.get())


def expire(core: Core, plan: Plan) -> int:
    """Let everything lapse that was not redeemed, after the last validity has ended."""
    last = max((one.closes_on for one in plan.campaigns), default=plan.programme.closes_on)
    longest = max((one.valid_days for one in plan.offers), default=1)
    clock = Clock(end_of(last.fromordinal(last.toordinal() + longest)))
    then, expired = with_clock(core, clock), 0
    while count := vouchers.expire_due(then, programme=plan.programme.slug):
        expired += count
    return expired


@dataclass
class _Player:
    core: Core
    clock: Clock
    plan: Plan
    stage: Stage
    progress: SimpleQueue[Progress]


_player: _Player | None = None


def _begin(
    settings: Settings, plan: Plan, stage_file: Path, progress: SimpleQueue[Progress]
) -> None:
    global _player  # noqa: PLW0603 - one player a process, made once
    clock = Clock(start_of(plan.programme.opens_on))
    core = with_clock(core_module.build(settings), clock)
    _player = _Player(core, clock, plan, Stage.read(stage_file), progress)


def _play_campaign(slug: str) -> None:
    assert _player is not None
    campaign = next(one for one in _player.plan.campaigns if one.slug == slug)
    held: dict[str, dict[int, Voucher]] = {one.slug: {} for one in campaign.offers}
    claims = redemptions = 0
    for step in _steps(_player.plan, campaign):
        _player.clock.set(step.at)
        if isinstance(step.what, ClaimBatch):
            claims += _claim(_player, step.offer, step.what, held[step.offer.slug])
        else:
            _redeem(_player, step.offer, step.what, held[step.offer.slug])
            redemptions += 1
        if claims + redemptions >= _REPORT_EVERY:
            _player.progress.put(Progress(claims, redemptions))
            claims = redemptions = 0
    _player.progress.put(Progress(claims, redemptions))


def _play_field(slug: str) -> None:
    player = _player
    assert player is not None
    targets = next(one for one in player.plan.targets.fields if one.field.slug == slug)
    names = [one.name for one in player.plan.residents()]
    of_field = FieldPlayer(player.core, player.clock, player.plan, player.stage, names)
    of_field.play(targets, lambda: player.progress.put(Progress(cases=1)))


def _steps(plan: Plan, campaign: PlannedCampaign) -> Iterator[_Step]:
    def of(offer: PlannedOffer) -> Iterator[_Step]:
        steps = [
            (_Step(one.at, offer, one) for one in plan.claims(offer)),
            (_Step(one.at, offer, one) for one in plan.redemptions(offer)),
        ]
        return heapq.merge(*steps, key=attrgetter("at"))

    return heapq.merge(*(of(offer) for offer in campaign.offers), key=attrgetter("at"))


def _claim(
    player: _Player, offer: PlannedOffer, batch: ClaimBatch, held: dict[int, Voucher]
) -> int:
    requests = [
        vouchers.Request(
            Actor(ActorKind.RESIDENT, player.stage.residents[resident]),
            f"replay:{offer.slug}:{batch.first + i}",
        )
        for i, resident in enumerate(batch.residents)
    ]
    answers = again(
        lambda: vouchers.claim_many(
            player.core, offer=offer_id(player.stage, offer), requests=requests
        )
    )
    for i, answer in enumerate(answers):
        if isinstance(answer, DomainError):
            raise ReplayFailed(f"{offer.slug}, claim {batch.first + i}: {answer.code}") from answer
        held[batch.first + i] = answer.value
    return len(answers)


def _redeem(
    player: _Player, offer: PlannedOffer, one: PlannedRedemption, held: dict[int, Voucher]
) -> None:
    voucher = held.pop(one.claim)
    seconds = player.core.settings.till.code_window_seconds
    code = codes.make(
        player.core.keyring,
        code_ref=voucher.code_ref,
        window=codes.window_of(one.at, seconds),
        window_seconds=seconds,
    )
    cashier: UUID = player.stage.cashiers[one.shop]
    reference = f"{offer.slug}-{one.claim}"
    try:
        again(
            lambda: redemption.redeem(
                player.core,
                actor=Actor(ActorKind.CASHIER, cashier, frozenset({Role.CASHIER})),
                code=code.text,
                order=Order(Money(one.order_amount_fen), reference, f"replay-{reference}"),
                key=f"replay:{reference}",
            )
        )
    except DomainError as error:
        raise ReplayFailed(f"{reference}: {error.code}") from error

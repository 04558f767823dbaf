"""Which operation comes next: what the city allows now, by weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Budget, Move
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.vouchers import service as vouchers

from . import planning
from .steps import Asked, Held, Running, Step, closing, folding, nothing
from .sums import Delta, Differs

if TYPE_CHECKING:
    from .walk import Walk

_MOST_CLAIMS = 8
_MOST_RUNNING = 6


def choose(walk: Walk) -> Step | None:
    """An operation, or None where the drawn kind has nothing to do."""
    kinds = [kind for kind, _ in _KINDS]
    (kind,) = walk.random.choices(kinds, weights=[weight for _, weight in _KINDS])
    return kind(walk)


# Money above the lines.


def appropriate(walk: Walk) -> Step | None:
    """A funder appropriates, by a new document or more by an old one."""
    funder = walk.random.choice(list(walk.city.funders))
    amount = walk.random.randint(1, 200_000) * 100
    key, document = walk.key(), f"文 {walk.random.randint(1, 6)}"

    def act(core: Core) -> Move:
        return budgets.appropriate(
            core,
            actor=walk.city.world.planner,
            funder=funder,
            year=2026,
            purpose_code="",
            document=document,
            amount=Money(amount),
            key=key,
        ).value

    def effect(answer: Any, seen: Delta) -> Delta:
        fund = answer.fund.id
        if fund not in walk.funds:
            walk.funds.append(fund)

        def made(_answer: Any, _seen: Delta) -> Delta:
            walk.appropriated += amount
            return Delta({("fund", fund, "available"): amount})

        walk.asked.append(Asked(answer.approval_id, made))
        return nothing(answer, seen)

    return Step("appropriate", act, effect)


def give(walk: Walk) -> Step | None:
    """A budget is given money: of a fund, or of the budget above it."""
    target = walk.random.choice(list(walk.city.budgets.values()))
    found = budgets.sources(walk.core, actor=walk.city.world.planner, budget=target.id)
    if not found:
        return None
    fund = walk.random.choice(found)
    place = _place_of(walk, target, fund.id, fund.funder.area)
    there = walk.books[place] if place else 0
    return _move(walk, "give", budgets.allot, target, fund.id, place, there, down=True)


def hand_back(walk: Walk) -> Step | None:
    """A budget gives back what it has not planned with."""
    target = walk.random.choice(list(walk.city.budgets.values()))
    mine = budgets.allotments(walk.core, actor=walk.city.world.planner, budget=target.id)
    if not mine:
        return None
    one = walk.random.choice(mine)
    place = _place_of(walk, target, one.fund.id, one.fund.funder.area)
    there = walk.books["allotment", one.id, "available"] // 4
    return _move(
        walk, "hand back", budgets.hand_back, target, one.fund.id, place, there, down=False
    )


def send_home(walk: Walk) -> Step | None:
    """A fund goes back to the treasury, or into the next year."""
    if not walk.funds:
        return None
    fund, key = walk.random.choice(walk.funds), walk.key()
    amount = walk.random.randint(1, max(1, walk.books["fund", fund, "available"] // 3))
    carries = walk.random.random() < 0.5
    service = budgets.carry_over if carries else budgets.return_to_treasury

    def act(core: Core) -> Move:
        planner = walk.city.world.planner
        return service(core, actor=planner, fund=fund, amount=Money(amount), key=key).value  # type: ignore[arg-type]

    def made(_answer: Any, seen: Delta) -> Delta:
        due = Delta({("fund", fund, "available"): -amount})
        if not carries:
            due["fund", fund, "returned"] = amount
            return due
        (following,) = (id for (_, id, _), fen in seen.items() if fen > 0)
        if following not in walk.funds:
            walk.funds.append(following)
        due["fund", following, "available"] = amount
        return due

    def effect(answer: Any, seen: Delta) -> Delta:
        walk.asked.append(Asked(answer.approval_id, made))
        return nothing(answer, seen)

    return Step("carry over" if carries else "return", act, effect)


def _place_of(walk: Walk, target: Budget, fund: UUID, area: str) -> tuple[str, UUID, str] | None:
    """Where a budget gets this fund's money: the fund, or what the budget above has of it."""
    if target.parent_id is None or area == target.area:
        return ("fund", fund, "available")
    above = budgets.allotments(walk.core, actor=walk.city.world.planner, budget=target.parent_id)
    found = next((one.id for one in above if one.fund.id == fund), None)
    return ("allotment", found, "available") if found else None


def _move(
    walk: Walk,
    name: str,
    service: Callable[..., Outcome[Move]],
    target: Budget,
    fund: UUID,
    other: tuple[str, UUID, str] | None,
    there: int,
    *,
    down: bool,
) -> Step:
    # Sometimes more than there is: that must be refused, now or when it is signed.
    amount, key = walk.random.randint(1, max(1, int(there * 1.1))), walk.key()

    def act(core: Core) -> Move:
        planner = walk.city.world.planner
        return service(
            core, actor=planner, budget=target.id, fund=fund, amount=Money(amount), key=key
        ).value

    def made(_answer: Any, seen: Delta) -> Delta:
        own = next(
            place for place, fen in seen.items() if place != other and place[0] == "allotment"
        )
        sign = 1 if down else -1
        assert other is not None
        return Delta({own: sign * amount, other: -sign * amount})

    def effect(answer: Any, seen: Delta) -> Delta:
        walk.asked.append(Asked(answer.approval_id, made))
        return nothing(answer, seen)

    return Step(name, act, effect)


# Approvals.


def sign(walk: Walk) -> Step | None:
    """A proposal is signed as often as it takes; or sent back."""
    if not walk.asked:
        return None
    one = walk.asked.pop(walk.random.randrange(len(walk.asked)))
    if walk.random.random() < 0.1:
        return _send_back(walk, one)

    def act(core: Core) -> Approval:
        return walk.sign(core, one.approval)

    def effect(answer: Any, seen: Delta) -> Delta:
        if answer is not None and answer.status is not Status.EXECUTED:
            raise Differs(f"signed by all and {answer.status}")
        due = one.effect(answer, seen)
        if one.about is not None:
            planning.happened(walk, one.about, one.then)
        return due

    return Step("sign", act, effect)


def _send_back(walk: Walk, one: Asked) -> Step:
    def act(core: Core) -> Approval:
        signer = walk.city.signers[-1]
        return approvals.reject(core, actor=signer, approval=one.approval, reason="重新报")

    def effect(answer: Any, seen: Delta) -> Delta:
        if one.about is not None and one.then == "running":
            one.about.status = "draft"
        return nothing(answer, seen)

    return Step("send back", act, effect)


# Campaigns.


def plan(walk: Walk) -> Step | None:
    """A campaign is planned with offers and lines, and is a draft."""
    if sum(one.status != "closed" for one in walk.campaigns) >= _MOST_RUNNING:
        return None
    return planning.drafted(walk)


def submit(walk: Walk) -> Step | None:
    """A draft is submitted."""
    one = _some(walk, "draft")
    return planning.asked(walk, one, "submit", campaigns.submit, "running") if one else None


def stop(walk: Walk) -> Step | None:
    """A campaign is paused at once; to go on takes two."""
    one = _some(walk, "running")
    if one is None:
        return None

    def act(core: Core) -> Any:
        planner = walk.city.world.planner
        return campaigns.pause(core, actor=planner, campaign=one.id, reason="演练")

    def effect(answer: Any, seen: Delta) -> Delta:
        one.status = "paused"
        return nothing(answer, seen)

    return Step("pause", act, effect)


def resume(walk: Walk) -> Step | None:
    """A second person is asked to let a paused campaign go on."""
    one = _some(walk, "paused")
    return planning.asked(walk, one, "resume", campaigns.resume, "resumed") if one else None


def close(walk: Walk) -> Step | None:
    """A second person is asked to end a campaign."""
    one = _some(walk, "running") or _some(walk, "paused")
    over = [each for each in walk.campaigns if each.status == "running" and each.ends <= walk.now]
    one = over[0] if over else one
    if one is None or (not over and walk.random.random() < 0.8):
        return None
    return planning.asked(walk, one, "close", campaigns.close, "closed", effect=closing(one))


def _some(walk: Walk, status: str) -> Running | None:
    found = [one for one in walk.campaigns if one.status == status]
    return walk.random.choice(found) if found else None


# Vouchers.


def claim(walk: Walk) -> Step | None:
    """A few residents claim of one offer at once."""
    one = _some(walk, "running")
    if one is None:
        return None
    offer = walk.random.choice(list(one.faces))
    many = walk.random.randint(1, _MOST_CLAIMS)
    wanted = [
        vouchers.Request(resident, walk.key())
        for resident in walk.random.sample(walk.city.residents, many)
    ]

    def act(core: Core) -> Any:
        answers = vouchers.claim_many(core, offer=one.offers[offer].id, requests=wanted)
        unknown = [error for error in answers if isinstance(error, DomainError) and error.retryable]
        if unknown:
            raise unknown[0]
        return answers

    def effect(answers: Any, _seen: Delta) -> Delta:
        face, got = one.faces[offer], 0
        for answer in answers:
            if isinstance(answer, DomainError):
                walk.report.refusals[answer.code] += 1
            elif answer.value.id not in walk.held:
                voucher = answer.value
                walk.held[voucher.id] = Held(voucher.id, offer, face, voucher.valid_until)
                got += face
        due = {("pool", offer, "reserved"): -got, ("pool", offer, "outstanding"): got}
        return Delta({place: fen for place, fen in due.items() if fen})

    return Step("claim", act, effect, weight=many, batch=True)


def redeem(walk: Walk) -> Step | None:
    """A voucher is spent at some till; now and then one that is spent or over."""
    if not walk.held:
        return None
    one = walk.random.choice(list(walk.held.values()))
    campaign = next(each for each in walk.campaigns if one.offer in each.faces)
    till, key = walk.random.choice(walk.city.tills), walk.key()
    order = Order(Money(one.fen * 5 + walk.random.randint(0, 9_999)), f"walk-{key}", None)

    def act(core: Core) -> Any:
        code = planning.code_of(core, one.id)
        return redemption.redeem(core, actor=till, code=code, order=order, key=key)

    def effect(_answer: Any, _seen: Delta) -> Delta:
        del walk.held[one.id]
        campaign.redeemed[till.area] = campaign.redeemed.get(till.area, 0) + one.fen
        return Delta(
            {
                ("pool", one.offer, "outstanding"): -one.fen,
                ("pool", one.offer, "committed"): one.fen,
            }
        )

    return Step("redeem", act, effect)


def fold(walk: Walk) -> Step | None:
    """What was redeemed is split over the funders."""
    candidates = [one for one in walk.campaigns if one.status in ("running", "paused", "closed")]
    if not candidates:
        return None
    one = walk.random.choice(candidates)

    def act(core: Core) -> None:
        with core.transaction() as session:
            for offer in one.offers.values():
                budgets.fold(session, campaign=one.id, offer=offer.id, now=walk.now)

    return Step("fold", act, folding(one, walk.books))


def expire(walk: Walk) -> Step | None:
    """Hours go by; vouchers past their last day lapse, one offer's at a time."""
    walk.later(walk.random.randint(1, 8))
    over = {one.offer for one in walk.held.values() if one.until <= walk.now}
    if not over:
        return None

    def act(core: Core) -> int:
        return vouchers.expire_due(core, programme=walk.city.programme.slug)

    def effect(_answer: Any, seen: Delta) -> Delta:
        (offer,) = (id for (kind, id, stage), fen in seen.items() if stage == "outstanding" and fen)
        lapsed = [one for one in walk.held.values() if one.offer == offer and one.until <= walk.now]
        campaign = next(one for one in walk.campaigns if offer in one.faces)
        worth = sum(one.fen for one in lapsed)
        for one in lapsed:
            del walk.held[one.id]
        if campaign.status == "closed":
            due = closing(campaign)(None, seen_without(seen, offer, worth))
            due["pool", offer, "outstanding"] = -worth
            due["pool", offer, "reserved"] += worth
            return due
        return Delta({("pool", offer, "outstanding"): -worth, ("pool", offer, "reserved"): worth})

    return Step("expire", act, effect, sweeps=True)


def seen_without(seen: Delta, offer: UUID, worth: int) -> Delta:
    """What a close moved beside the lapse itself."""
    rest = Delta(seen)
    rest["pool", offer, "outstanding"] += worth
    rest["pool", offer, "reserved"] -= worth
    return rest


_KINDS: tuple[tuple[Callable[[Walk], Step | None], int], ...] = (
    (appropriate, 3),
    (give, 4),
    (hand_back, 1),
    (send_home, 1),
    (sign, 14),
    (plan, 3),
    (submit, 4),
    (stop, 1),
    (resume, 2),
    (close, 3),
    (claim, 20),
    (redeem, 40),
    (fold, 6),
    (expire, 4),
)

"""Words of settlement at the desk: states with their badges, reasons, the steps of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from voucher_service.budgets.model import LEVELS, Level
from voucher_service.i18n import gettext, mark
from voucher_service.infra.sheet_files import WRITERS, Cell, Sheet
from voucher_service.kernel.actor import Role
from voucher_service.kernel.money import ZERO
from voucher_service.settlement.lifecycles import (
    ADVANCE_PUBLIC,
    BATCH_PUBLIC,
    LINE_PUBLIC,
    PAYMENT_PUBLIC,
    AdvanceStatus,
    BatchStatus,
    LineStatus,
    PaymentStatus,
)
from voucher_service.settlement.model import (
    HOLD_REASONS,
    LEFT_OUT,
    NEXT,
    RESULTS,
    SENT_BACK,
    UNRELEASED,
    Batch,
    BatchResult,
    Funding,
    HoldReason,
    LeftOut,
)
from voucher_service.web.language import locale

from .staff import reader

WAITING: Mapping[str, str] = {
    **{str(reason): text for reason, text in LEFT_OUT.items()},
    **{str(reason): text for reason, text in HOLD_REASONS.items()},
    UNRELEASED: mark("补贴材料还没审完"),
    SENT_BACK: mark("银行退回来的"),
    NEXT: mark("没有暂缓，进下一批"),
}
# Who lets go what waits for a reason.
LETS_GO: Mapping[str, str] = {
    LeftOut.PAYMENT_HOLD: mark("审核员恢复付款"),
    LeftOut.NO_ACCOUNT: mark("商户登记收款账户"),
    HoldReason.DIFFERENCE: mark("查差异的人结案"),
    HoldReason.DISPUTE: mark("财务或审核员答复异议"),
    HoldReason.RISK: mark("财务放行"),
    UNRELEASED: mark("审核员审完材料"),
    SENT_BACK: mark("收款方换账户，或财务点“原账户再付一次”"),
}
_FUNDING = (
    ("text", mark("收款方")),
    ("text", mark("活动")),
    ("text", mark("出资方")),
    ("text", mark("级次")),
    ("yuan", mark("应付（元）")),
)
_BADGES: Mapping[str, str] = {
    BatchStatus.DRAFTED: "wait",
    BatchStatus.REVIEWED: "wait",
    BatchStatus.APPROVED: "warn",
    BatchStatus.SENT: "wait",
    BatchResult.PAID: "ok",
    BatchResult.PART_BACK: "warn",
    BatchResult.ALL_BACK: "stop",
    BatchStatus.DROPPED: "stop",
    LineStatus.PAID: "ok",
    LineStatus.LEFT_OUT: "warn",
    PaymentStatus.BOUNCED: "stop",
    PaymentStatus.RETURNED: "stop",
    AdvanceStatus.PROPOSED: "wait",
    AdvanceStatus.APPROVED: "warn",
    AdvanceStatus.REFUSED: "stop",
}
_WALK = (
    BatchStatus.DRAFTED,
    BatchStatus.REVIEWED,
    BatchStatus.APPROVED,
    BatchStatus.SENT,
    BatchStatus.CLOSED,
)


def steps(batch: Batch) -> list[tuple[str, str, Any]]:
    """Each step of a batch: done, now or later; its word; when it was reached, if it was."""
    reached = (
        batch.drafted_at,
        batch.reviewed_at,
        batch.approved_at,
        batch.sent_at,
        batch.closed_at,
    )
    at = _WALK.index(batch.status) if batch.status in _WALK else -1
    return [
        (
            "done"
            if place < at or batch.status is BatchStatus.CLOSED
            else "later"
            if place > at
            else "now",
            batch_name(batch) if step is batch.status else gettext(BATCH_PUBLIC[step], locale()),
            instant if place <= at else None,
        )
        for place, (step, instant) in enumerate(zip(_WALK, reached, strict=True))
    ]


def batch_name(batch: Batch) -> str:
    """Where a batch stands; of a closed one what became of it."""
    said = RESULTS[batch.result] if batch.result else BATCH_PUBLIC[batch.status]
    return gettext(said, locale())


def batch_badge(batch: Batch) -> str:
    """The colour of that."""
    return _BADGES.get(batch.result or batch.status, "")


def write_funding(found: Iterator[Funding], *, form: str, language: str, out: BinaryIO) -> None:
    """Whose money each payee gets, as a table with its sum at the end."""
    total = ZERO

    def rows() -> Iterator[Sequence[Cell]]:
        nonlocal total
        for one in found:
            total += one.due
            level = gettext(LEVELS[Level(one.share.level)], language)
            yield one.payee, one.share.campaign, one.share.funder_name, level, one.due
        yield gettext(mark("合计"), language), None, None, None, total

    columns = [(kind, gettext(text, language)) for kind, text in _FUNDING]
    WRITERS[form](Sheet(gettext(mark("按出资方"), language), columns, rows()), out)


def sees_settlements() -> bool:
    """Whether the reader may open batches: the whole city's finance, approvers and auditors."""
    who = reader()
    roles = (Role.FINANCE, Role.APPROVER, Role.AUDITOR)
    return who is not None and not who.area and who.has(*roles)


def waiting_at(reason: str) -> str | None:
    """Where the orders that wait for a reason are found; None where each merchant's page says it,
    or the reader may not go there.
    """
    who = reader()
    if reason in set(HoldReason):
        return "/settlements/holds"
    if reason == UNRELEASED and who is not None and who.has(Role.REVIEWER, Role.APPROVER):
        return "/review"
    return None


def _say(words: Mapping[Any, str]) -> Callable[[str], str]:
    return lambda value: gettext(words.get(value, str(value)), locale())


def globals_() -> dict[str, Any]:
    """What the templates can say about settlement."""
    return {
        "batch_name": batch_name,
        "settlement_badge": batch_badge,
        "line_name": _say(LINE_PUBLIC),
        "payment_name": _say(PAYMENT_PUBLIC),
        "advance_name": _say(ADVANCE_PUBLIC),
        "left_out_name": _say(LEFT_OUT),
        "hold_reason": _say(HOLD_REASONS),
        "waiting_name": _say(WAITING),
        "waiting_at": waiting_at,
        "lets_go": lambda reason: gettext(LETS_GO.get(reason, "–"), locale()),
        "settling_badge": lambda value: _BADGES.get(value, ""),
        "batch_steps": steps,
        "sees_settlements": sees_settlements,
    }

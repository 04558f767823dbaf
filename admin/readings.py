"""How proposals read: each type of object has a template and loads what that template needs.

Whoever adds an action registers its type of object here, from the module of its own pages. What
nobody registered reads as a plain table of the payload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from voucher_service.approvals.model import Approval
from voucher_service.i18n import mark
from voucher_service.kernel.money import Money

Load = Callable[[Approval], Mapping[str, Any]]
_PLAIN = "admin/reading_plain.html"
_FEN = "_fen"
_LABELS: Mapping[str, str] = {
    "amount": mark("金额"),
    "revision": mark("补差"),
    "sale": mark("核销编号"),
    "reference": mark("银行流水号"),
    "worst_case": mark("最多动用"),
    "cap": mark("上限"),
    "funder": mark("出资方"),
    "purpose_code": mark("专项用途"),
    "document": mark("文号"),
    "year": mark("年度"),
    "period": mark("期间"),
    "programme": mark("活动方案"),
    "campaign": mark("活动"),
    "offer": mark("券种"),
    "area": mark("地区"),
    "name": mark("名称"),
    "title": mark("名称"),
    "username": mark("登录名"),
    "display_name": mark("姓名"),
    "roles": mark("岗位"),
    "reason": mark("理由"),
    "scope": mark("范围"),
    "kind": mark("种类"),
    "note": mark("说明"),
    "batch": mark("批次"),
    "number": mark("批次号"),
    "day": mark("截止日"),
    "lines": mark("收款方"),
    "items": mark("核销笔数"),
    "due": mark("应付"),
    "deducted": mark("扣回欠款"),
    "retried": mark("退票重付"),
    "payments": mark("付款笔数"),
    "total": mark("实付合计"),
    "payments_sha256": mark("付款清单指纹"),
    "merchant": mark("商户"),
    "advance": mark("预付单"),
}


@dataclass(frozen=True, slots=True)
class _Reading:
    template: str
    load: Load


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a plain table. `value`: a text, a number, a sum, a day or an instant."""

    labels: tuple[str, ...]
    value: Any


_READINGS: dict[str, _Reading] = {}


def register(object_type: str, *, template: str, load: Load) -> None:
    """Read proposals about this type of object through a template, which is shown in the frame of
    the approval page and knows `approval` and whatever `load` gives for it.
    """
    _READINGS[object_type] = _Reading(template, load)


def registered() -> set[str]:
    """The types of object that have a reading of their own."""
    return set(_READINGS)


def reading(approval: Approval) -> tuple[str, Mapping[str, Any]]:
    """The template of a proposal's body and what it needs."""
    found = _READINGS.get(approval.object_type)
    if found is None:
        return _PLAIN, {"facts": list(facts(approval.payload))}
    return found.template, found.load(approval)


def facts(payload: Any, above: tuple[str, ...] = ()) -> Iterator[Fact]:
    """A payload as lines, its parts below the names that lead to them."""
    if isinstance(payload, Mapping):
        for key, value in payload.items():
            yield from facts(_typed(str(key), value), (*above, _label(str(key))))
    elif isinstance(payload, list) and any(isinstance(one, Mapping | list) for one in payload):
        for number, one in enumerate(payload, 1):
            yield from facts(one, (*above, str(number)))
    else:
        yield Fact(above, payload)


def _label(key: str) -> str:
    plain = key.removesuffix(_FEN)
    return _LABELS.get(plain, plain.replace("_", " "))


def _typed(key: str, value: Any) -> Any:
    if key.endswith(_FEN) and type(value) is int:
        return Money(value)
    if isinstance(value, str) and key.endswith("_at"):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and key.endswith("_on"):
        return date.fromisoformat(value)
    return value

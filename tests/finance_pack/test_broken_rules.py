"""What the audit report says when the books do not hold: in Chinese, by rule."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import NOON
from voucher_service.finance_pack import manifest, papers
from voucher_service.finance_pack.model import Facts
from voucher_service.kernel.money import ZERO
from voucher_service.printing.forms import Words
from voucher_service.recovery.checking import SET_BACK
from voucher_service.reports import verification
from voucher_service.reports.invariant_words import words
from voucher_service.reports.invariants import ALL
from voucher_service.settlement.lifecycles import BatchStatus
from voucher_service.settlement.model import Batch

CHECKED = (
    verification.SEALS,
    verification.GATE,
    verification.FROZEN,
    verification.LOG,
    verification.DRAWS,
    verification.POOL,
    SET_BACK,
)
L1 = "L1 all entries add up to nothing: the sum is"
CASES = (f"{L1} 5", f"{L1} 7", f"{verification.LOG}: entry 5")


@pytest.mark.parametrize("name", [*ALL, *CHECKED])
def test_every_invariant_is_said_in_chinese(name: str) -> None:
    told = words(name)
    assert told is not None
    assert not re.search("[a-z]", told)


def test_two_invariants_of_one_number_are_not_taken_for_each_other() -> None:
    proposals = next(one for one in ALL if one.startswith("A6 "))
    assert words(proposals) != words(verification.LOG)
    for number in ("L4", "R1", "R2"):
        assert len({words(one) for one in ALL if one.startswith(f"{number} ")}) == 2


def test_the_report_says_the_rule_and_the_manifest_each_case() -> None:
    told = dict.fromkeys(("vouchers", "redemptions", "transfers", "events", "size"), 0)
    facts = Facts(at=NOON, standing="", root="", note="", invariants=63, cases=CASES, **told)
    fields: dict[str, Any] = dict.fromkeys(Batch.__dataclass_fields__)
    fields |= {"number": "1", "day": NOON.date(), "status": BatchStatus.SENT, "total": ZERO}
    batch = Batch(**fields)
    form = papers.audit(batch, facts, (0, 0), [], "", [], "")
    said = [one.text for one in form.blocks if isinstance(one, Words)]
    assert "不符：L1 全部分录加起来是零（2 处）" in said
    assert f"不符：A6 {words(verification.LOG)}（1 处）" in said
    assert not any("entries" in one for one in said)
    made = json.loads(manifest.as_json(batch, facts, [], {}))
    assert made["verified"] == {"invariants": 63, "cases": list(CASES)}

"""Whatever happens over a year's end, a report says what an auditor counts from the rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.make import World
from tests.reconciliation import audited
from tests.reconciliation.street import Street
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports.groups import GroupBy
from voucher_service.reports.invariants import ALL

# Six in the evening of 30 December in Shanghai.
EVE = datetime(2026, 12, 30, 10, tzinfo=UTC)
YEARS = ((None, date(2026, 12, 31)), (date(2027, 1, 1), None))


def broken(core: Core) -> list[str]:
    """Which invariants of the books do not hold: the street's clock is not the servers', and it
    settles orders without a batch.
    """
    with core.transaction() as session:
        return [
            f"{name}: {case}"
            for name, statement in ALL.items()
            if not name.startswith(("T1", "S"))
            for case in session.execute(text(f"{statement} LIMIT 3")).scalars()
        ]


# What fails is told as it is: to make it smaller takes minutes.
@settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_report_is_what_an_auditor_counts(core: Core, seed: int) -> None:
    clock = Clock(EVE)
    own = with_clock(core, clock)
    street = Street(World(own), clock, Random(seed))
    for whole in (False, False, True):
        for _ in range(10):
            street.go_on()
        reconciliation.run(own, programme=street.slug, whole=whole)
    (told,) = (one for one in reconciliation.progress(own) if one.programme == street.slug)
    assert told.differing == 0
    assert list(audited.differing(own, street.slug)) == []
    assert list(audited.differing(own, street.slug, YEARS, [GroupBy.AREA])) == []
    assert list(audited.in_files(own, street.slug, [GroupBy.AREA])) == []
    assert broken(own) == []

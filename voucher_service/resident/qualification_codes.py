"""The code of a qualification: spelt like a voucher's, with the qualification's own reference."""

from __future__ import annotations

from voucher_service.tradein.qualifications import Qualification
from voucher_service.vouchers import code
from voucher_service.vouchers.code import Code
from voucher_service.web.site import core, now


def fresh(qualification: Qualification) -> Code:
    """The code of this moment. Raises QualificationOver."""
    instant = now()
    qualification.check_usable(instant)
    seconds = core().settings.till.code_window_seconds
    return code.make(
        core().keyring,
        code_ref=qualification.code_ref,
        window=code.window_of(instant, seconds),
        window_seconds=seconds,
    )

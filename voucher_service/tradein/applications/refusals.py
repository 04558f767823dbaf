"""Why an application is refused: each with a code of its own."""

from __future__ import annotations

from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable


class ApplicationIncomplete(Unprocessable):
    """A part or a paper is missing; `extra["missing"]` names them."""

    code = "application_incomplete"


class ApplicationIneligible(Unprocessable):
    """The rules pay nothing for what was typed; `extra["findings"]` says why."""

    code = "application_ineligible"


class VehicleTaken(Conflict):
    """One of the cars, the invoice or the certificate stands in another application already."""

    code = "vehicle_taken"


class UnitsTaken(Conflict):
    """The resident has as many applications of this scheme and year as the policy pays for."""

    code = "units_taken"


class OwnApplication(Forbidden):
    """Nobody checks or approves an application in their own name."""

    code = "own_application"


class AreaUnserved(Unprocessable):
    """Not a division of the cities that this installation serves."""

    code = "area_unserved"


class CorrectionLate(Conflict):
    """The last day of the correction is over."""

    code = "correction_late"


class CorrectionsClosed(Conflict):
    """The policy's last day of corrections is over: it is passed or refused, not sent back."""

    code = "corrections_closed"


class PoolShort(Conflict):
    """The pool holds less money than the sum decided anew needs; nothing was changed."""

    code = "pool_short"

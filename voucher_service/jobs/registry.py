"""Which function does which kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core

from .applications import tell_applicant
from .estimate import estimate
from .merchants import tell_merchant
from .notices import send_notices
from .prepare_gate import prepare_gate
from .pushes import give_push
from .reconcile import reconcile
from .revising import revise
from .trying import try_policy
from .webhooks import send_webhooks

Finish = Callable[[Session], None]
Handler = Callable[[Core, Mapping[str, Any], Finish], None]

# A handler calls `finish` once: in the transaction of its effect, or in one of its own after an
# effect that may be repeated.
HANDLERS: Mapping[str, Handler] = {
    "estimate": estimate,
    "give_push": give_push,
    "prepare_gate": prepare_gate,
    "reconcile": reconcile,
    "revise": revise,
    "send_notices": send_notices,
    "send_webhooks": send_webhooks,
    "tell_applicant": tell_applicant,
    "tell_merchant": tell_merchant,
    "try_policy": try_policy,
}

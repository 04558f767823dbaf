"""The pages of docs/ that are written from the code: lifecycles and refusals."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import voucher_service
from voucher_service.alarms import model as alarms
from voucher_service.approvals import model as approvals
from voucher_service.budgets import model as budgets
from voucher_service.campaigns import canary
from voucher_service.campaigns import lifecycles as campaigns
from voucher_service.disputes import model as disputes
from voucher_service.goods import model as goods
from voucher_service.i18n import gettext, sentences
from voucher_service.identity import model as identity
from voucher_service.kernel.errors import KINDS, DomainError
from voucher_service.kernel.machine import Machine
from voucher_service.lotteries import model as lotteries
from voucher_service.merchants import accounts, onboarding
from voucher_service.merchants import model as merchants
from voucher_service.pledges import model as pledges
from voucher_service.pushes import model as pushes
from voucher_service.reconciliation.differences import model as differences
from voucher_service.redemption import model as redemption
from voucher_service.settlement import lifecycles as settlement
from voucher_service.stops import model as stops
from voucher_service.tradein import qualifications
from voucher_service.tradein.applications import model as applications
from voucher_service.tradein.review import model as review
from voucher_service.tradein.revisions import model as revisions
from voucher_service.vouchers import model as vouchers
from voucher_service.web.errors import status_of

MACHINES: tuple[Machine[Any, Any], ...] = (
    campaigns.CAMPAIGN,
    campaigns.OFFER,
    canary.LIFECYCLE,
    stops.LIFECYCLE,
    pledges.LIFECYCLE,
    lotteries.LIFECYCLE,
    pushes.LIFECYCLE,
    vouchers.LIFECYCLE,
    qualifications.LIFECYCLE,
    redemption.LIFECYCLE,
    settlement.BATCH,
    settlement.LINE,
    settlement.PAYMENT,
    settlement.ADVANCE,
    disputes.LIFECYCLE,
    differences.LIFECYCLE,
    approvals.LIFECYCLE,
    budgets.MOVE,
    alarms.LIFECYCLE,
    identity.RESIDENT,
    identity.STAFF,
    merchants.MERCHANT,
    merchants.SHOP,
    merchants.CASHIER,
    onboarding.MERCHANT_APPLICATION,
    accounts.ACCOUNT,
    accounts.HOLD,
    goods.LIFECYCLE,
    applications.LIFECYCLE,
    revisions.LIFECYCLE,
    review.LIFECYCLE,
    review.BATCH_LIFECYCLE,
)


def states() -> str:
    """docs/states.md: a diagram of every lifecycle."""
    intro = (
        "# Lifecycles\n\nDrawn from the tables in each `model.py` by `voucher docs`; don't edit.\n"
    )
    return intro + "".join(f"\n{_section(one)}" for one in MACHINES)


def errors() -> str:
    """docs/errors.md: every refusal with its status, its reason and what a reader is told."""
    lines = ["# Refusals", "", "Written from the code by `voucher docs`; don't edit.", ""]
    lines += ["| code | status | when | what the reader is told |", "|---|---|---|---|"]
    for leaf in leaves():
        told = " ".join(gettext(part, "en") for part in sentences.TEXT[leaf.code])
        why = " ".join((inspect.getdoc(leaf) or "").split())
        lines.append(f"| `{leaf.code}` | {status_of(leaf())} | {why} | {told} |")
    return "\n".join([*lines, ""])


def leaves() -> list[type[DomainError]]:
    """Every refusal that the product can give, by code."""
    for module in pkgutil.walk_packages(voucher_service.__path__, "voucher_service."):
        if not module.name.endswith((".wsgi", ".__main__")):
            importlib.import_module(module.name)
    found: set[type[DomainError]] = set()
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if (
            kind is not DomainError
            and kind not in KINDS
            and kind.__module__.startswith("voucher_service.")
        ):
            found.add(kind)
    return sorted(found, key=lambda kind: kind.code)


def _section(machine: Machine[Any, Any]) -> str:
    lines = [
        f"## {machine.name}",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {machine.initial}",
    ]
    for state, edges in machine.table.items():
        lines += [f"    {state} --> {target} : {_verb(event)}" for event, target in edges.items()]
    reachable = _reachable(machine)
    lines += [
        f"    {state} --> [*]"
        for state in machine.table
        if not machine.table[state] and state in reachable
    ]
    return "\n".join([*lines, "```", ""])


def _verb(event: str) -> str:
    return str(event).partition(".")[2].replace("_", " ")


def _reachable(machine: Machine[Any, Any]) -> set[Any]:
    seen, waiting = {machine.initial}, [machine.initial]
    while waiting:
        for target in machine.table[waiting.pop()].values():
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen

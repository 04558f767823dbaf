"""The app: a list of blueprints, each with its guard on the same line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, request

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Role
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, Guarded, any_of

from . import staff
from .api import approvals, campaigns, lotteries, programmes, pushes, reports, sign_in
from .pages import approvals as approval_pages
from .pages import campaigns as campaign_pages
from .pages import front, home
from .pages import lotteries as lottery_pages
from .pages import programmes as programme_pages
from .pages import pushes as push_pages
from .pages import reports as report_pages
from .words import globals_

# Whoever may speak for a party; for which one, the service says.
_PARTIES = any_of(Role.FINANCE, Role.AUDITOR, Role.PLANNER, Role.APPROVER)

_WITH_LISTS = {pushes.planning.name, push_pages.planning.name}

BLUEPRINTS = (
    Guarded(sign_in.door, PUBLIC),
    Guarded(sign_in.me, SIGNED_IN),
    Guarded(programmes.programmes, SIGNED_IN),
    Guarded(programmes.announcing, any_of(Role.PLANNER)),
    Guarded(campaigns.campaigns, SIGNED_IN),
    Guarded(campaigns.planning, any_of(Role.PLANNER)),
    Guarded(campaigns.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(approvals.approvals, SIGNED_IN),
    Guarded(approvals.rejecting, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lotteries.lotteries, SIGNED_IN),
    Guarded(lotteries.planning, any_of(Role.PLANNER)),
    Guarded(lotteries.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lotteries.parties, _PARTIES),
    Guarded(pushes.pushes, SIGNED_IN),
    Guarded(pushes.planning, any_of(Role.PLANNER)),
    Guarded(reports.reports, SIGNED_IN),
    Guarded(reports.reconciliations, SIGNED_IN),
    Guarded(front.front, PUBLIC),
    Guarded(home.home, SIGNED_IN),
    Guarded(programme_pages.programmes, SIGNED_IN),
    Guarded(programme_pages.announcing, any_of(Role.PLANNER)),
    Guarded(campaign_pages.campaigns, SIGNED_IN),
    Guarded(campaign_pages.planning, any_of(Role.PLANNER)),
    Guarded(campaign_pages.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(approval_pages.approvals, SIGNED_IN),
    Guarded(approval_pages.rejecting, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lottery_pages.lotteries, SIGNED_IN),
    Guarded(lottery_pages.planning, any_of(Role.PLANNER)),
    Guarded(lottery_pages.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lottery_pages.parties, _PARTIES),
    Guarded(push_pages.pushes, SIGNED_IN),
    Guarded(push_pages.planning, any_of(Role.PLANNER)),
    Guarded(report_pages.reports, SIGNED_IN),
)


def create_app(core: Core | None = None) -> Flask:
    """The admin face on a core; on the settings of the environment when none is given."""
    app = make_app(
        Face.ADMIN,
        core or build(),
        BLUEPRINTS,
        loader=identity.staff_actor,
        folder=Path(__file__).parent,
    )
    app.jinja_env.globals.update(
        globals_(),
        me=staff.me,
        reader=staff.reader,
        waiting=staff.waiting,
        waiting_count=staff.waiting_count,
    )
    app.before_request_funcs.setdefault(None, []).insert(0, _let_lists_through)
    return app


def _let_lists_through() -> None:
    """A list of people is larger than any other request; the length is checked after this."""
    if request.method == "POST" and request.blueprint in _WITH_LISTS:
        request.max_content_length = pushes.LIST_LIMIT_BYTES

"""The app: a list of blueprints, each with its guard on the same line."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flask import Flask

from voucher_service.campaigns import service as campaign_service
from voucher_service.infra import spool
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Role
from voucher_service.reconciliation.differences import service as difference_service
from voucher_service.reconciliation.differences import uploading
from voucher_service.reports import history
from voucher_service.web import uploads
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, Guarded, any_of

from . import (
    alarming,
    colleagues,
    duties,
    estimates,
    objections,
    offer_words,
    onboarding,
    proposals,
    sale_reviews,
    settling,
    staff,
    standing,
    stopped,
)
from . import cars as car_words
from . import goods as goods_words
from . import policies as policy_words
from .api import (
    account,
    alarms,
    approvals,
    audit,
    budgets,
    campaigns,
    cars,
    channel_uploads,
    differences,
    expected_files,
    finance_packs,
    goods,
    lotteries,
    merchants,
    outcomes,
    pledges,
    pools,
    programmes,
    pushes,
    reports,
    residents,
    retail,
    revisions,
    settlements,
    sign_in,
    simulations,
    stops,
)
from .api import staff as staff_calls
from .pages import account as account_pages
from .pages import alarms as alarm_pages
from .pages import applications as application_pages
from .pages import approvals as approval_pages
from .pages import audit as audit_pages
from .pages import board, front, home
from .pages import budgets as budget_pages
from .pages import campaigns as campaign_pages
from .pages import car_pools as car_pool_pages
from .pages import cars as car_pages
from .pages import channel_files as channel_pages
from .pages import differences as difference_pages
from .pages import disputes as dispute_pages
from .pages import expected_files as expected_pages
from .pages import finance_packs as pack_pages
from .pages import funds as fund_pages
from .pages import goods as goods_pages
from .pages import log as log_pages
from .pages import lotteries as lottery_pages
from .pages import merchants as merchant_pages
from .pages import outcomes as outcome_pages
from .pages import papers as paper_pages
from .pages import pledges as pledge_pages
from .pages import policies as policy_pages
from .pages import pools as pool_pages
from .pages import programmes as programme_pages
from .pages import pushes as push_pages
from .pages import reports as report_pages
from .pages import residents as resident_pages
from .pages import retail as retail_pages
from .pages import returns as returns_pages
from .pages import sale_reviews as review_pages
from .pages import settlements as settlement_pages
from .pages import staff as staff_pages
from .pages import stops as stop_pages
from .words import globals_

# Everybody but administrators, who give out roles and see neither money nor residents.
_OFFICE = any_of(Role.PLANNER, Role.APPROVER, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)
_MANAGERS = any_of(Role.ADMINISTRATOR, Role.AUDITOR)
_READERS = any_of(Role.REVIEWER, Role.AUDITOR)
_SIGNERS = any_of(Role.REVIEWER, Role.APPROVER, Role.AUDITOR)
# Whoever may speak for a party; for which one, the service says.
_PARTIES = any_of(Role.FINANCE, Role.AUDITOR, Role.PLANNER, Role.APPROVER)

_BOOKKEEPERS = any_of(*difference_service.READERS)
# Whoever may see what is paid to whom.
_PAYING = any_of(Role.FINANCE, Role.APPROVER, Role.AUDITOR)

# Whoever may look after an alarm.
_ALARMED = any_of(Role.PLANNER, Role.APPROVER, Role.FINANCE, Role.AUDITOR)
_IN_AN_EMERGENCY = any_of(*stopped.MAY_STOP)

BLUEPRINTS = (
    Guarded(sign_in.door, PUBLIC),
    Guarded(sign_in.me, SIGNED_IN),
    Guarded(account.account, SIGNED_IN),
    Guarded(staff_calls.colleagues, _MANAGERS),
    Guarded(staff_calls.staffing, any_of(Role.ADMINISTRATOR)),
    Guarded(residents.residents, _READERS),
    Guarded(audit.audit, any_of(Role.AUDITOR)),
    Guarded(programmes.programmes, _OFFICE),
    Guarded(programmes.announcing, any_of(Role.PLANNER)),
    Guarded(campaigns.campaigns, _OFFICE),
    Guarded(campaigns.planning, any_of(Role.PLANNER)),
    Guarded(pools.pools, any_of(Role.PLANNER)),
    Guarded(campaigns.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(budgets.budgets, _OFFICE),
    Guarded(budgets.planning, any_of(Role.PLANNER)),
    Guarded(simulations.simulations, _OFFICE),
    Guarded(approvals.approvals, _OFFICE),
    Guarded(approvals.rejecting, _OFFICE),
    Guarded(lotteries.lotteries, _OFFICE),
    Guarded(lotteries.planning, any_of(Role.PLANNER)),
    Guarded(lotteries.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lotteries.parties, _PARTIES),
    Guarded(pushes.pushes, _OFFICE),
    Guarded(pushes.planning, any_of(Role.PLANNER)),
    Guarded(stops.stops, _OFFICE),
    Guarded(stops.stopping, _IN_AN_EMERGENCY),
    Guarded(merchants.applications, _SIGNERS),
    Guarded(merchants.checking, any_of(Role.REVIEWER)),
    Guarded(cars.car_pools, any_of(Role.PLANNER)),
    Guarded(cars.cars, _SIGNERS),
    Guarded(cars.car_checking, any_of(Role.REVIEWER)),
    Guarded(goods.goods, _OFFICE),
    Guarded(goods.stocking, any_of(Role.PLANNER)),
    Guarded(revisions.policies, _OFFICE),
    Guarded(revisions.revisions, _PARTIES),
    Guarded(revisions.planning, any_of(Role.PLANNER)),
    Guarded(revisions.returning, any_of(Role.FINANCE)),
    Guarded(merchants.merchants, any_of(*onboarding.SEES)),
    Guarded(merchants.holding_back, any_of(Role.REVIEWER, Role.FINANCE)),
    Guarded(settlements.settlements, _PAYING),
    Guarded(settlements.settling, any_of(Role.FINANCE)),
    Guarded(alarms.alarms, _OFFICE),
    Guarded(alarms.handling, _ALARMED),
    Guarded(alarms.closing, any_of(Role.AUDITOR)),
    Guarded(alarms.payouts, any_of(Role.FINANCE)),
    Guarded(differences.files, _BOOKKEEPERS),
    Guarded(differences.importing, any_of(Role.FINANCE)),
    Guarded(channel_uploads.sending, any_of(Role.FINANCE)),
    Guarded(expected_files.expected, _BOOKKEEPERS),
    Guarded(expected_files.setting, any_of(Role.FINANCE)),
    Guarded(differences.differences, _BOOKKEEPERS),
    Guarded(differences.working, any_of(Role.FINANCE)),
    Guarded(finance_packs.packing, any_of(Role.FINANCE)),
    Guarded(reports.reports, _OFFICE),
    Guarded(reports.reconciliations, _OFFICE),
    Guarded(retail.retail, any_of(Role.FINANCE)),
    Guarded(pledges.pledges, _OFFICE),
    Guarded(pledges.pledging, any_of(Role.PLANNER, Role.FINANCE)),
    Guarded(outcomes.outcomes, _OFFICE),
    Guarded(outcomes.importing, any_of(Role.FINANCE)),
    Guarded(front.front, PUBLIC),
    Guarded(home.home, SIGNED_IN),
    Guarded(board.board, _OFFICE),
    Guarded(account_pages.account, SIGNED_IN),
    Guarded(staff_pages.colleagues, _MANAGERS),
    Guarded(staff_pages.staffing, any_of(Role.ADMINISTRATOR)),
    Guarded(resident_pages.residents, _READERS),
    Guarded(goods_pages.goods, _OFFICE),
    Guarded(goods_pages.stocking, any_of(Role.PLANNER)),
    Guarded(merchant_pages.merchants, any_of(*onboarding.SEES)),
    Guarded(merchant_pages.suspending, any_of(Role.REVIEWER)),
    Guarded(merchant_pages.holding_back, any_of(Role.REVIEWER, Role.FINANCE)),
    Guarded(application_pages.applications, _SIGNERS),
    Guarded(application_pages.checking, any_of(Role.REVIEWER)),
    Guarded(application_pages.revealing, _READERS),
    Guarded(car_pages.applications, _SIGNERS),
    Guarded(car_pages.checking, any_of(Role.REVIEWER)),
    Guarded(policy_pages.policies, _OFFICE),
    Guarded(policy_pages.trying, _PARTIES),
    Guarded(policy_pages.planning, any_of(Role.PLANNER)),
    Guarded(returns_pages.returns, _PARTIES),
    Guarded(returns_pages.returning, any_of(Role.FINANCE)),
    Guarded(review_pages.reviews, _SIGNERS),
    Guarded(review_pages.judging, any_of(Role.REVIEWER)),
    Guarded(paper_pages.papers, any_of(Role.REVIEWER)),
    Guarded(audit_pages.audit, any_of(Role.AUDITOR)),
    Guarded(programme_pages.programmes, _OFFICE),
    Guarded(programme_pages.announcing, any_of(Role.PLANNER)),
    Guarded(campaign_pages.campaigns, _OFFICE),
    Guarded(campaign_pages.planning, any_of(Role.PLANNER)),
    Guarded(pool_pages.planning, any_of(Role.PLANNER)),
    Guarded(car_pool_pages.planning, any_of(Role.PLANNER)),
    Guarded(campaign_pages.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(approval_pages.approvals, _OFFICE),
    Guarded(approval_pages.rejecting, _OFFICE),
    Guarded(lottery_pages.lotteries, _OFFICE),
    Guarded(lottery_pages.planning, any_of(Role.PLANNER)),
    Guarded(lottery_pages.running, any_of(Role.PLANNER, Role.APPROVER)),
    Guarded(lottery_pages.parties, _PARTIES),
    Guarded(push_pages.pushes, _OFFICE),
    Guarded(push_pages.planning, any_of(Role.PLANNER)),
    Guarded(budget_pages.budgets, _OFFICE),
    Guarded(budget_pages.planning, any_of(Role.PLANNER)),
    Guarded(fund_pages.funds, _OFFICE),
    Guarded(fund_pages.planning, any_of(Role.PLANNER)),
    Guarded(dispute_pages.disputes, _OFFICE),
    Guarded(dispute_pages.deciding, any_of(Role.REVIEWER, Role.FINANCE)),
    Guarded(channel_pages.files, _BOOKKEEPERS),
    Guarded(channel_pages.importing, any_of(Role.FINANCE)),
    Guarded(expected_pages.expected, _BOOKKEEPERS),
    Guarded(expected_pages.setting, any_of(Role.FINANCE)),
    Guarded(difference_pages.differences, _BOOKKEEPERS),
    Guarded(difference_pages.working, any_of(Role.FINANCE)),
    Guarded(stop_pages.stops, _OFFICE),
    Guarded(stop_pages.stopping, _IN_AN_EMERGENCY),
    Guarded(alarm_pages.alarms, _OFFICE),
    Guarded(alarm_pages.handling, _ALARMED),
    Guarded(alarm_pages.closing, any_of(Role.AUDITOR)),
    Guarded(alarm_pages.payouts, any_of(Role.FINANCE)),
    Guarded(settlement_pages.settlements, _PAYING),
    Guarded(settlement_pages.paying, any_of(Role.FINANCE)),
    Guarded(pack_pages.settlement_pack, any_of(Role.FINANCE)),
    Guarded(report_pages.reports, _OFFICE),
    Guarded(pledge_pages.pledges, _OFFICE),
    Guarded(pledge_pages.entering, any_of(Role.PLANNER, Role.FINANCE)),
    Guarded(retail_pages.retail, _OFFICE),
    Guarded(retail_pages.entering, any_of(Role.FINANCE)),
    Guarded(outcome_pages.outcomes, _OFFICE),
    Guarded(outcome_pages.importing, any_of(Role.FINANCE)),
    Guarded(log_pages.log, any_of(Role.FINANCE, Role.AUDITOR)),
)


def create_app(core: Core | None = None) -> Flask:
    """The admin face on a core; on the settings of the environment when none is given."""
    campaign_service.past_from(history.past)
    core = core or build()
    spool.check_folder(core.settings)
    app = make_app(
        Face.ADMIN,
        core,
        BLUEPRINTS,
        loader=staff.at_work,
        folder=Path(__file__).parent,
    )
    app.jinja_env.globals.update(
        globals_()
        | offer_words.globals_()
        | proposals.globals_()
        | standing.globals_()
        | colleagues.globals_()
        | onboarding.globals_()
        | car_words.globals_()
        | goods_words.globals_()
        | policy_words.globals_()
        | sale_reviews.globals_()
        | estimates.globals_()
        | settling.globals_(),
        me=staff.me,
        reader=staff.reader,
        waiting=staff.waiting,
        waiting_count=staff.waiting_count,
        may_stop=stopped.may_stop,
        stop_count=stopped.stop_count,
        alarms=alarming.standing,
        disputes_waiting=objections.disputes_waiting,
        differences_waiting=objections.differences_waiting,
    )
    uploads.let_through(app, {pushes.planning.name}, most_bytes=pushes.LIST_LIMIT_BYTES)
    uploads.let_through(app, {push_pages.planning.name, goods_pages.stocking.name})
    uploads.let_through(app, {goods.stocking.name}, most_bytes=goods.TABLE_LIMIT_BYTES)
    uploads.let_through(app, {channel_pages.importing.name})
    uploads.let_large_through(
        app,
        {channel_pages.importing.name},
        from_bytes=differences.FILE_LIMIT_BYTES,
        check=partial(uploading.check_size, core),
        folder=partial(spool.folder, core.settings),
    )
    uploads.let_streams_through(app, {channel_uploads.sending.name})
    uploads.let_through(app, {differences.importing.name}, most_bytes=differences.FILE_LIMIT_BYTES)
    most_bytes = settlements.RETURN_LIMIT_BYTES
    uploads.let_through(
        app, {settlements.settling.name, settlement_pages.paying.name}, most_bytes=most_bytes
    )
    uploads.let_through(app, {outcome_pages.importing.name, outcomes.importing.name})
    app.before_request(duties.check)
    return app

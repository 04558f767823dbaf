"""Which test executes each action."""

from __future__ import annotations

from collections.abc import Mapping

# Each action, and a test that executes it.
_TRACED = "test_budgets.py::test_every_fen_is_traced_from_the_treasury_to_what_merchants_are_owed"
EXECUTED_BY: Mapping[str, str] = {
    "application.approve": (
        "test_applications.py::test_a_county_checks_and_only_the_city_approves"
    ),
    "budget.allot": _TRACED,
    "budget.cap": "test_budget_caps.py::test_a_county_can_ask_for_a_cap_and_the_city_signs_it",
    "budget.hand_back": _TRACED,
    "budget.pass_down": _TRACED,
    "campaign.cap": "test_budget_caps.py::test_a_cap_by_campaign_and_a_campaigns_own_cap",
    "campaign.close": "test_books.py::test_a_close_gives_back_what_nobody_holds",
    "campaign.publish": "test_approvals.py::test_a_decision_is_made_once",
    "campaign.resume": (
        "test_claims.py::test_a_paused_campaign_gives_nothing_and_goes_on_with_a_second_person"
    ),
    "difference.accept": (
        "../reconciliation/test_working.py"
        "::test_who_accepts_our_books_takes_a_second_person_and_no_entry"
    ),
    "difference.correct": (
        "../reconciliation/test_working.py::test_a_ghost_order_is_given_back_by_two_and_let_go"
    ),
    "fund.appropriate": _TRACED,
    "fund.carry_over": _TRACED,
    "fund.return": _TRACED,
    "goods.change": ("test_goods.py::test_a_product_is_in_the_library_when_a_second_person_agrees"),
    "merchant.account_change": (
        "test_merchant_money.py::test_a_new_account_counts_two_days_after_a_second_person_approved"
    ),
    "merchant.admit": "test_onboarding.py::test_a_county_checks_and_only_the_city_admits",
    "merchant.hold_lift": (
        "test_merchant_money.py::test_a_hold_stands_alone_and_outlasts_a_suspension"
    ),
    "payouts.resume": (
        "test_alarms.py"
        "::test_a_broken_ledger_stops_payouts_until_it_is_clean_and_a_second_person_agrees"
    ),
    "pledge.enter": (
        "test_pledges.py::test_what_a_bank_promised_counts_once_a_second_person_agreed"
    ),
    "push.give": "lists.py::approved",
    "resident.forget": "test_forgetting.py::test_a_person_is_forgotten_and_the_log_still_holds",
    "revision.approve": (
        "../tradein/test_revisions.py"
        "::test_the_rise_lists_what_changes_and_pays_it_once_whoever_computes_it"
    ),
    "revision.return": (
        "../settlement/test_returned_differences.py"
        "::test_a_paid_difference_comes_back_before_the_unit_does"
    ),
    "settlement.advance": (
        "../settlement/test_advances.py::test_an_advance_is_paid_once_and_netted_off_later_lines"
    ),
    "settlement.pay": (
        "../settlement/test_settlement.py::test_a_day_is_paid_the_day_after_and_the_books_are_clean"
    ),
    "sale_review.release": (
        "test_sale_review.py::test_a_second_person_releases_what_a_sample_bore_out"
    ),
    "staff.close": "test_staff_accounts.py::test_a_closed_account_stays_closed",
    "staff.create": "test_staff_accounts.py::test_an_account_opens_when_a_second_person_agrees",
    "staff.grant": "test_staff_accounts.py::test_roles_change_as_proposed_and_sessions_end",
    "staff.reset": ("test_staff_accounts.py::test_a_reset_takes_password_and_factors_and_sessions"),
    "stop.lift": "test_stops.py::test_stopped_claims_are_closed_and_go_on_with_a_second_person",
}

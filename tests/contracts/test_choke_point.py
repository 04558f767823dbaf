"""One choke point: what spends or changes a rule is done by an executor, and by nothing else.

Three walks: over the admin face's URL map, over the product's source, and over the registered
actions. Whatever is new and on none of the lists below fails; each line was read by a person.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest
from flask import Flask

from admin import readings, words
from admin.app import create_app
from tests.contracts.calls import calls, mentions
from tests.contracts.executed import EXECUTED_BY
from tests.contracts.proposing import changes, changing, executors, proposed_about
from tests.contracts.source import ROOT, tree
from voucher_service import settings
from voucher_service.approvals import service as approvals
from voucher_service.i18n.catalogue import known
from voucher_service.infra.core import build

PROPOSE = "voucher_service.approvals.service.propose"
SIGNING = {"/approvals/<uuid:approval>/approve"}
# Each changing route, without /api/v1: the actions that it proposes …
_MOVES = "budget.allot", "budget.pass_down"
PROPOSES: Mapping[str, tuple[str, ...]] = {
    "/campaigns/<uuid:campaign>/submit": ("campaign.publish",),
    "/campaigns/<uuid:campaign>/resume": ("campaign.resume",),
    "/campaigns/<uuid:campaign>/close": ("campaign.close",),
    "/campaigns/<uuid:id>/caps": ("campaign.cap",),
    "/pushes": ("push.give",),
    "/goods/changes": ("goods.change",),
    "/differences/<uuid:id>/propose": ("difference.correct", "difference.accept"),
    "/stops/<uuid:stop>/resume": ("stop.lift", "campaign.resume"),
    "/funds": ("fund.appropriate",),
    "/funds/<uuid:id>/return": ("fund.return",),
    "/funds/<uuid:id>/carry-over": ("fund.carry_over",),
    "/funds/<uuid:id>/rest": ("fund.return", "fund.carry_over"),
    "/budgets/<uuid:id>/allotments": _MOVES,
    "/budgets/<uuid:id>/hand-back": ("budget.hand_back",),
    "/budgets/<uuid:id>/money": (*_MOVES, "budget.hand_back"),
    "/budgets/<uuid:id>/caps": ("budget.cap",),
    "/budgets/campaigns/<uuid:id>/caps": ("campaign.cap",),
    "/payouts/resume": ("payouts.resume",),
    "/merchants/applications/<uuid:application>/precheck": ("merchant.admit",),
    "/trade-in/applications/<uuid:application>/precheck": ("application.approve",),
    "/revisions/<uuid:revision>/propose": ("revision.approve",),
    "/policies/revisions/<uuid:id>/propose": ("revision.approve",),
    "/revisions/<uuid:revision>/sales/<uuid:sale>/returns": ("revision.return",),
    "/policies/returns/<uuid:revision>/<uuid:sale>": ("revision.return",),
    "/review/batches/<uuid:batch>/propose": ("sale_review.release",),
    "/review/batches/<uuid:batch>/pass": ("application.approve",),
    "/merchants/accounts/<uuid:account>/propose": ("merchant.account_change",),
    "/merchants/holds/<uuid:hold>/lift": ("merchant.hold_lift",),
    "/merchants/<uuid:merchant>/reinstate": ("stop.lift", "campaign.resume"),
    "/settlements/<uuid:batch>/review": ("settlement.pay",),
    "/settlement-advances": ("settlement.advance",),
    "/settlements/merchants/<uuid:merchant>/advances": ("settlement.advance",),
    "/pledges": ("pledge.enter",),
    "/reports/pledges": ("pledge.enter",),
    "/staff": ("staff.create",),
    "/staff/new": ("staff.create",),
    "/staff/<uuid:staff>/roles": ("staff.grant",),
    "/staff/<uuid:staff>/reset": ("staff.reset",),
    "/staff/<uuid:staff>/close": ("staff.close",),
    "/residents/<uuid:resident>/forget": ("resident.forget",),
}
# … or why it may do at once what it does.
AT_ONCE: Mapping[str, tuple[str, ...]] = {
    "sends back or withdraws: nothing is executed": (
        "/approvals/<uuid:approval>/reject",
        "/staff/<uuid:staff>/withdraw/<uuid:approval>",
        "/merchants/applications/<uuid:application>/send-back",
        "/merchants/applications/<uuid:application>/reject",
        "/merchants/accounts/<uuid:account>/refuse",
        "/trade-in/applications/<uuid:application>/send-back",
        "/trade-in/applications/<uuid:application>/reject",
    ),
    "part of a draft, which spends nothing and is frozen when it is submitted": (
        "/campaigns",
        "/campaigns/new",
        "/campaigns/<uuid:campaign>/budget-lines",
        "/campaigns/<uuid:campaign>/lines",
        "/campaigns/<uuid:campaign>/offers",
        "/campaigns/<uuid:campaign>/pools",
        "/campaigns/<uuid:campaign>/pools/new",
        "/campaigns/<uuid:campaign>/application-pools",
        "/campaigns/<uuid:campaign>/application-pools/new",
        "/campaigns/<uuid:campaign>/offers/new",
        "/lotteries",
    ),
    "lets a granted sum be paid to the applicant's own card, which the bank asked for": (
        "/trade-in/applications/<uuid:application>/card/accept",
        "/trade-in/applications/<uuid:application>/card/return",
    ),
    "looks at what was drawn, or refuses it: only a proposal releases": (
        "/review/cars",
        "/review/batches/<uuid:batch>/lines/<uuid:subject>",
    ),
    "stops: one person is enough to stop, to go on takes two": (
        "/campaigns/<uuid:campaign>/pause",
        "/stops",
        "/lotteries/<uuid:id>/void",
        "/merchants/<uuid:merchant>/suspend",
        "/merchants/<uuid:merchant>/holds",
        *("/merchants/accounts/<uuid:account>/stop", "/settlements/holds/<uuid:redemption>"),
    ),
    "a name, dates or a place for money, without money": (
        "/programmes",
        "/programmes/new",
        "/funders",
        "/budgets",
    ),
    "carries a draw on, on the terms that were signed with its campaign": (
        "/lotteries/<uuid:id>/open",
        "/lotteries/<uuid:id>/close",
        "/lotteries/<uuid:id>/commitments",
        "/lotteries/<uuid:id>/reveals",
    ),
    "drafts or gives up a batch, which pays nobody before it is signed": (
        "/settlements",
        "/settlements/<uuid:batch>/drop",
    ),
    "carries out what was signed: the file, the bank's answer, the same payment once more": (
        "/settlements/<uuid:batch>/send",
        "/settlements/<uuid:batch>/bank-return",
        "/settlement-payments/<uuid:payment>/retry",
        "/settlements/payments/<uuid:payment>/retry",
    ),
    "counts the books again, or what others saw spent": ("/reconciliations", "/outcomes"),
    "notes what statisticians published": ("/retail-sales", "/reports/retail-sales"),
    "lists what a policy would change, or gives the list up; to pay it is a proposal": (
        "/policies/what-if",
        "/policies/revisions",
        "/policies/revisions/<uuid:id>/cancel",
        "/revisions",
        "/revisions/what-if",
        "/revisions/<uuid:revision>/cancel",
    ),
    "says who looks after an alarm; payouts go on by a proposal only": (
        "/alarms/<uuid:alarm>/acknowledge",
        "/alarms/<uuid:alarm>/close",
    ),
    "takes access away, gives none": (
        "/staff/<uuid:staff>/sessions",
        "/staff/<uuid:staff>/sessions/end",
        "/staff/<uuid:staff>/sessions/<uuid:session>",
    ),
    "reads what a reason is asked for, and records it": (
        "/residents",
        "/residents/lookups",
        "/residents/<uuid:resident>",
        "/residents/<uuid:resident>/reveals",
        "/residents/<uuid:resident>/papers",
        "/audit/readers",
        "/merchants/applications/<uuid:application>/reveal",
    ),
    "says something to a shop; no money moves": ("/disputes/<uuid:id>",),
    "compares a file with the books, and works what holds no money; letting money go is proposed": (
        "/channel-files",
        "/channel-files/uploads",
        "/channel-files/expected",
        "/channel-files/expected/<uuid:id>/end",
        "/differences/<uuid:id>",
        "/differences/<uuid:id>/notes",
        "/differences/<uuid:id>/owner",
        "/differences/<uuid:id>/explain",
    ),
    "prints what the resident holds already, and records it": (
        "/residents/<uuid:resident>/papers/<uuid:voucher>",
    ),
    "the caller's own session, factors, language": (
        "/sign-in",
        "/sign-out",
        "/preferences",
        "/sessions",
        "/sessions/<uuid:session>",
        "/me/password",
        "/me/factors/show",
        "/me/otp",
        "/me/otp/confirm",
        "/me/recovery-codes",
        "/me/passkeys/<uuid:passkey>",
        "/account/confirm",
        "/account/password",
        "/account/otp",
        "/account/otp/confirm",
        "/account/otp/remove",
        "/account/recovery-codes",
        "/account/passkeys",
        "/account/passkeys/<uuid:passkey>/name",
        "/account/passkeys/<uuid:passkey>/remove",
        "/account/sessions/end",
        "/account/sessions/<uuid:session>/end",
    ),
}

# What only an executor may do, by the names that its source mentions …
GUARDED = {
    "Code.FUNDED",
    "Code.PUBLISHED",
    "Code.APPROPRIATED",
    "Code.ALLOTTED",
    "Code.PASSED_DOWN",
    "Code.HANDED_BACK",
    "Code.CARRIED_OVER",
    "Code.SENT_HOME",
    "Code.REVISED",
    "CampaignEvent.PUBLISHED",
    "CampaignEvent.RESUMED",
    "CampaignEvent.CLOSED",
    "OfferEvent.OPENED",
    "OfferEvent.CLOSED",
    "StaffEvent.APPROVE",
    "StaffEvent.CLOSE",
    "MerchantApplicationEvent.ADMITTED",
    "ApplicationEvent.APPROVED",
    "ReviewEvent.RELEASED",
    "AccountEvent.APPROVED",
}
# … by the rows that it makes or changes, and the columns that it sets …
ROWS = {"CampaignRow", "OfferRow", "ReleaseRow", "BudgetLineRow", "CapRow", "StaffRow"}
COLUMNS = {"roles", "area", "password_hash"}
# … and by its own name.
NAMED = {
    "voucher_service.stops.service.lift",
    "voucher_service.budgets.service.capping.set_caps",
    "voucher_service.goods.store.apply",
    "voucher_service.redemption.service.correcting.correct",
}
# Who does it outside an executor, and why that is right …
REVIEWED: Mapping[str, str] = {
    "voucher_service.budgets.service.lines.send_home": "what an approved close left",
    "voucher_service.budgets.service.topping.undo_top_up": "what a refunded unit freed",
    "voucher_service.budgets.service.lines.add_line": "a draft's plan, signed with the campaign",
    "voucher_service.campaigns.service.planning.create_campaign": "a draft",
    "voucher_service.campaigns.service.planning.add_offer": "a draft's plan",
    "voucher_service.campaigns.service.planning._offer_row": "a draft's plan",
    "voucher_service.campaigns.service.publishing.resume": "names the event, and proposes",
    "voucher_service.campaigns.service.publishing.close": "names the event, and proposes",
    "voucher_service.campaigns.service.reading.raise_epoch": "fences claims, changes no terms",
    "voucher_service.campaigns.service.reading.set_run_id": "which gate was filled",
    "voucher_service.identity.service.factors.change_password": "one's own password",
    "voucher_service.merchants.service.people.change_password": "one's own password",
    "voucher_service.merchants.service.people.reset_password": "a shop's people, by its manager",
    "voucher_service.identity.service.staff.new_row": "a proposed account opens no door",
}
# … and who does, though no page and no call of a face may lead there.
NOT_FROM_A_FACE: Mapping[str, str] = {
    "voucher_service.identity.service.staff.create_staff": "the first accounts, by command line",
    "voucher_service.identity.service.staff.close_staff": "by command line",
}
FACES = ("admin.", "merchant_portal.", "voucher_service.resident.")
SIMULATED = "voucher_service.simulation."  # books in memory


@pytest.fixture(scope="module")
def app() -> Flask:
    """The admin face; it is read, not called."""
    servers = {
        f"VOUCHER__{name}__URL": f"{scheme}://127.0.0.1:9/0"
        for name, scheme in (("DATABASE", "postgresql"), ("GATE", "redis"), ("QUEUE", "redis"))
    }
    return create_app(build(settings.load({"VOUCHER_ENV": "test", **servers})))


def test_every_changing_route_proposes_or_was_read_by_a_person(app: Flask) -> None:
    here = {rule.removeprefix("/api/v1") for rule in changing(app)} - SIGNING
    at_once = [rule for rules in AT_ONCE.values() for rule in rules]
    assert sorted(here) == sorted([*PROPOSES, *at_once])


def test_what_says_that_it_proposes_does_and_what_says_not_does_not(app: Flask) -> None:
    proposing = calls().reaching(PROPOSE)
    for rule, view in changing(app).items():
        path = rule.removeprefix("/api/v1")
        if path not in SIGNING:
            assert (view in proposing) == (path in PROPOSES), rule


def test_every_action_is_proposed_somewhere() -> None:
    assert {one for all_ in PROPOSES.values() for one in all_} == set(approvals.actions())


def test_executors_are_called_by_approvals_and_by_nobody_else() -> None:
    graph = calls()
    assert {one: graph.users(one) for one in executors() if graph.users(one)} == {}


def test_only_executors_spend_and_change_rules() -> None:
    graph, gates = calls(), executors()
    found = {
        name: graph.roots(name, gates)
        for name, node in graph.nodes.items()
        if not name.startswith(SIMULATED) and (name in NAMED or _guarded(node))
    }
    loose = {name for name, roots in found.items() if roots}
    assert loose == set(REVIEWED) | set(NOT_FROM_A_FACE)
    for name in NOT_FROM_A_FACE:
        assert [root for root in found[name] if root.startswith(FACES)] == [], name


def test_the_walk_finds_what_it_is_meant_to_find() -> None:
    graph, gates = calls(), executors()
    spends = "voucher_service.budgets.service.lines.reserve"
    assert graph.roots(spends, gates) == set()
    publish = "voucher_service.campaigns.service.publishing._publish"
    assert publish in gates
    assert graph.roots(spends, gates - {publish}) == {publish}


def test_every_action_has_a_title_in_both_languages_and_a_reading() -> None:
    silent = [one for one in approvals.actions() if not known(words.ACTIONS.get(one, ""))]
    assert silent == []
    assert proposed_about() - readings.registered() == set()


@pytest.mark.parametrize("action", sorted(EXECUTED_BY))
def test_every_action_is_executed_in_a_test(action: str) -> None:
    path, _, name = EXECUTED_BY[action].partition("::")
    functions = [
        one.name
        for one in tree(ROOT / "tests" / "services" / path).body
        if isinstance(one, ast.FunctionDef)
    ]
    assert name in functions


def test_no_action_is_without_such_a_test() -> None:
    assert set(EXECUTED_BY) == set(approvals.actions())


def _guarded(node: ast.AST) -> bool:
    return not GUARDED.isdisjoint(mentions(node)) or any(
        changes(one, rows=ROWS, columns=COLUMNS) for one in ast.walk(node)
    )

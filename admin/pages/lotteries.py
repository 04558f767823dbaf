"""Lotteries at the desk: the plan, the entries, and the three parties' secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template
from marshmallow import fields

from admin.api.lotteries import PromiseSchema, SecretSchema
from admin.forms import MomentField, NumberField, refuse
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus, Offer
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId
from voucher_service.lotteries import service
from voucher_service.lotteries.model import Lottery, LotteryId, Party, Terms
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

lotteries = Blueprint("lottery_pages", __name__, url_prefix="/lotteries")
planning = Blueprint("lottery_planning_pages", __name__, url_prefix="/lotteries")
running = Blueprint("lottery_running_pages", __name__, url_prefix="/lotteries")
parties = Blueprint("lottery_party_pages", __name__, url_prefix="/lotteries")


class PlanForm(Schema):
    """The terms of a lottery."""

    offer = fields.UUID(required=True)
    seats = NumberField(required=True)
    waiting = NumberField(load_default=0)
    opens_at = MomentField(required=True)
    closes_at = MomentField(required=True)
    waiting_from = MomentField(load_default=None)


@lotteries.get("")
def show_all() -> str:
    """Every lottery of the reader's area, and the form that plans one."""
    return _list(forms.Form())


@lotteries.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One lottery: what was announced, and what the reader can do next."""
    return _page(id, forms.Form())


@planning.post("")
def plan() -> Any:
    """Plan a lottery for an offer of a draft."""
    form = forms.read(PlanForm)
    if form.ok:
        values = dict(form.values)
        offer = OfferId(values.pop("offer"))
        try:
            made = service.plan(core(), actor=actor(), offer=offer, terms=Terms(**values))
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect(f"/lotteries/{made.id}", 303)
    return _list(form), 422


@running.post("/<uuid:id>/open")
def open_entries(id: UUID) -> Any:
    """Announce it."""
    return _do(id, lambda: service.open_entries(core(), actor=actor(), lottery=LotteryId(id)))


@running.post("/<uuid:id>/close")
def close_entries(id: UUID) -> Any:
    """Close the list and publish its hash."""
    return _do(id, lambda: service.close_entries(core(), actor=actor(), lottery=LotteryId(id)))


@running.post("/<uuid:id>/void")
def void(id: UUID) -> Any:
    """Give up an attempt in which a party was silent."""
    return _do(id, lambda: service.void(core(), actor=actor(), lottery=LotteryId(id)))


@parties.post("/<uuid:id>/commitments")
def commit(id: UUID) -> Any:
    """Promise a secret by its hash."""
    form = forms.read(PromiseSchema)
    if not form.ok:
        return _page(id, form), 422
    party, sha256 = Party(form.values["party"]), form.values["sha256"]
    return _do(
        id,
        lambda: service.commit(
            core(), actor=actor(), lottery=LotteryId(id), party=party, sha256=sha256
        ),
        form,
    )


@parties.post("/<uuid:id>/reveals")
def reveal(id: UUID) -> Any:
    """Show the secret; the last of the three draws."""
    form = forms.read(SecretSchema)
    if not form.ok:
        return _page(id, form), 422
    party, secret = Party(form.values["party"]), form.values["secret"]
    return _do(
        id,
        lambda: service.reveal(
            core(), actor=actor(), lottery=LotteryId(id), party=party, secret=secret
        ),
        form,
    )


def _do(id: UUID, step: Callable[[], Lottery], form: forms.Form | None = None) -> Any:
    """One step, then the page again; a refusal stands above it."""
    try:
        step()
    except NoSuchThing:
        raise
    except DomainError as error:
        return _page(id, refuse(form or forms.Form(), error)), status_of(error)
    return redirect(f"/lotteries/{id}", 303)


def _list(form: forms.Form) -> str:
    found = service.for_staff(core(), actor=actor())
    return render_template(
        "admin/lotteries.html",
        lotteries=found,
        form=form,
        offers=_offers() if actor().has(Role.PLANNER) else [],
    )


def _offers() -> list[Offer]:
    """The offers of drafts: only these can still be planned as a lottery."""
    drafts = [
        one
        for one in campaigns.campaigns(core(), actor=actor())
        if one.status is CampaignStatus.DRAFT
    ]
    found: list[Offer] = []
    for one in drafts:
        found += campaigns.campaign(core(), actor=actor(), campaign=one.id)[1]
    return found


def _page(id: UUID, form: forms.Form) -> str:
    caller = actor()
    found = next((one for one in service.for_staff(core(), actor=caller) if one.id == id), None)
    if found is None:
        raise NoSuchThing
    mine = [party for party in Party if caller.has(*party.roles)]
    return render_template(
        "admin/lottery.html",
        lottery=found,
        form=form,
        all_parties=list(Party),
        to_commit=[one for one in mine if found.of_party(one) is None],
        to_reveal=[
            one.party for one in found.standing if one.secret is None and one.staff_id == caller.id
        ],
        complete=len(found.standing) == len(Party),
    )

"""The subsidy of a car: a form that saves as it goes, what is found in it, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import fields, validate

from voucher_service.infra import areas
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.money import Money
from voucher_service.settlement import service as settlement
from voucher_service.tradein import shelf
from voucher_service.tradein import words as policy_words
from voucher_service.tradein.applications import progress, service, words
from voucher_service.tradein.applications.model import (
    ENDED,
    NOTICE_DAYS,
    PARTS,
    SCHEMES,
    Application,
    ApplicationId,
    EvidenceKind,
    Part,
    Vehicle,
)
from voucher_service.tradein.policy import Energy, Scheme
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, today

from ..application_schemas import BankCardSchema, BeginSchema, GivenUpCarSchema, NewCarForm
from ..limiting import not_too_often
from ..uploads import received, served

pages = Blueprint("applications", __name__, url_prefix="/trade-in/applications")
handing_in = Blueprint("evidence", __name__, url_prefix="/trade-in/applications")
notices = Blueprint("notices", __name__)

PAGE = 20
_PROVINCE = "44"
_FORMS: Mapping[Part, tuple[type[Schema], Callable[..., Application]]] = {
    Part.NEW_CAR: (NewCarForm, service.save_new_car),
    Part.OLD_CAR: (GivenUpCarSchema, service.save_old_car),
    Part.CARD: (BankCardSchema, service.save_card),
}
# Never shown again once it was typed: names and numbers of people.
_HIDDEN = frozenset({"buyer", "plate", "owner", "holder", "number"})


class PaperForm(Schema):
    """Which paper is handed in."""

    kind = fields.String(required=True, validate=validate.OneOf(list(EvidenceKind)))


@pages.get("")
def show_all() -> str:
    """My applications, and a form that begins one."""
    page = service.mine(core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE)
    return render_template("resident/applications.html", page=page, schemes=_schemes(), **_words())


@pages.post("")
def begin() -> Any:
    """Begin one, or go on with the draft that is there."""
    form = forms.read(BeginSchema)
    if not form.ok:
        return redirect("/trade-in/applications", 303)
    not_too_often(core(), actor())
    made = service.begin(core(), actor=actor(), **form.values).value
    return redirect(f"/trade-in/applications/{made.id}", 303)


@pages.get("/<uuid:id>")
def show(id: UUID) -> str:
    """How far it is, what is missing, what is found in it."""
    return _status(id, forms.Form())


@pages.get("/<uuid:id>/parts/<name>")
def part(id: UUID, name: str) -> str:
    """One part of the form."""
    return _part(id, _named(name), forms.Form())


@pages.post("/<uuid:id>/parts/<name>")
def save(id: UUID, name: str) -> Any:
    """Keep one part."""
    part = _named(name)
    schema, keep = _FORMS[part]
    form = forms.read(schema)
    if not form.ok:
        return _part(id, part, form), 422
    try:
        keep(core(), actor=actor(), application=ApplicationId(id), **form.values)
    except NoSuchThing:
        raise
    except DomainError as error:
        form.refuse(error)
        return _part(id, part, form), status_of(error)
    return redirect(f"/trade-in/applications/{id}", 303)


@pages.get("/<uuid:id>/evidence")
def papers(id: UUID) -> str:
    """The papers, and a form for each."""
    return _papers(id, forms.Form())


@pages.get("/<uuid:id>/evidence/<name>")
def paper(id: UUID, name: str) -> Response:
    """A paper as it was kept."""
    if name not in set(EvidenceKind):
        raise NoSuchThing
    content = service.evidence_of(
        core(), actor=actor(), application=ApplicationId(id), kind=EvidenceKind(name)
    )
    return served(content, name)


@handing_in.post("/<uuid:id>/evidence")
def hand_in(id: UUID) -> Any:
    """Keep one paper."""
    form = forms.read(PaperForm)
    application = ApplicationId(id)
    service.get(core(), actor=actor(), application=application)  # before anything is read
    if not form.ok:
        return _papers(id, form), 422
    try:
        not_too_often(core(), actor())
        paper = received()
        service.hand_in(
            core(),
            actor=actor(),
            application=application,
            kind=EvidenceKind(form.values["kind"]),
            content=paper.content,
            facts=paper.facts,
        )
    except DomainError as error:
        form.refuse(error)
        return _papers(id, form), status_of(error)
    return redirect(f"/trade-in/applications/{id}/evidence", 303)


@pages.post("/<uuid:id>/submit")
def submit(id: UUID) -> Any:
    """Hand it in."""
    key, form = idempotency_key(), forms.Form()
    try:
        service.submit(core(), actor=actor(), application=ApplicationId(id), key=key)
    except NoSuchThing:
        raise
    except DomainError as error:
        form.refuse(error)
        return _status(id, form), status_of(error)
    return redirect(f"/trade-in/applications/{id}", 303)


@pages.post("/<uuid:id>/withdraw")
def withdraw(id: UUID) -> Any:
    """Take it back."""
    service.withdraw(core(), actor=actor(), application=ApplicationId(id))
    return redirect("/trade-in/applications", 303)


@notices.get("/trade-in/notice")
def notice() -> str:
    """What was approved in the last days, names masked."""
    page = service.notice(core(), cursor=request.args.get("cursor"), limit=PAGE)
    return render_template(
        "resident/application_notice.html",
        page=page,
        days=NOTICE_DAYS,
        area_name=lambda code: areas.name(code, locale()),
        **_words(),
    )


def _schemes() -> list[Scheme]:
    """What can be applied for today: some policy still takes applications."""
    policies = [one for one in shelf.shelf() if one.first <= today() <= (one.file_by or one.last)]
    return [scheme for scheme in SCHEMES if any(one.scheme is scheme for one in policies)]


def _named(name: str) -> Part:
    """The part of that name that is typed. Raises NoSuchThing."""
    if name not in {str(one) for one in _FORMS}:
        raise NoSuchThing
    return Part(name)


def _mine(id: UUID) -> Application:
    return service.get(core(), actor=actor(), application=ApplicationId(id))


def _status(id: UUID, form: forms.Form) -> str:
    found = _mine(id)
    judged = service.preview(core(), actor=actor(), application=found.id)
    reasons = policy_words.reasons(judged.case, judged.quote, locale()) if judged else []
    paying = settlement.payouts(core(), actor=actor(), payout=id)
    return render_template(
        "resident/application.html",
        application=found,
        steps=[] if found.status in ENDED else progress.steps(found, locale(), today()),
        judged=None if found.status in ENDED else judged,
        reasons=reasons,
        paying=paying[0] if paying else None,
        form=form,
        parts=PARTS[found.scheme],
        **_words(),
    )


def _part(id: UUID, part: Part, form: forms.Form) -> str:
    found = _mine(id)
    if part not in PARTS[found.scheme]:
        raise NoSuchThing
    known = {Part.NEW_CAR: found.bought, Part.OLD_CAR: found.given_up, Part.CARD: found.card}[part]
    if known is not None and not form.typed:
        told = {name: getattr(known, name) for name in known.__slots__}
        form.typed = {name: _typed(value) for name, value in told.items() if name not in _HIDDEN}
        engine = told.get("engine_ml")
        form.typed["engine_litres"] = f"{engine / 1000:g}" if engine else ""
    return render_template(
        f"resident/application_{part}.html",
        application=found,
        known=known,
        form=form,
        energies=[(one, policy_words.label(one, locale())) for one in Energy],
        vehicles=[(one, words.vehicle(one, locale())) for one in Vehicle],
        areas=[
            (code, f"{areas.name(city, locale())} {areas.name(code, locale())}")
            for city in areas.children(_PROVINCE)
            for code in (areas.children(city) or [city])
            if len(code) == 6
        ],
        **_words(),
    )


def _typed(value: Any) -> str:
    """A stored value as it would be typed."""
    if isinstance(value, Money):
        return f"{value.fen // 100}.{value.fen % 100:02d}"
    if isinstance(value, bool):
        return "true" if value else ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _papers(id: UUID, form: forms.Form) -> str:
    return render_template(
        "resident/application_evidence.html", application=_mine(id), form=form, **_words()
    )


def _words() -> dict[str, Any]:
    """What the templates say about applications."""
    return {
        "status_name": lambda word: words.status(word, locale()),
        "thing_name": lambda word: words.thing(word, locale()),
        "finding_text": lambda one: words.finding(one, locale()),
        "policy_word": lambda word: policy_words.label(word, locale()),
        "policy_step": lambda line: policy_words.step(line, locale()),
    }

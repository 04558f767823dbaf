"""The subsidy of a car, asked for with papers: filled in a part at a time, handed in, followed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.page import Page
from voucher_service.tradein import words as policy_words
from voucher_service.tradein.applications import service, words
from voucher_service.tradein.applications.model import (
    Application,
    ApplicationId,
    EvidenceKind,
    Noticed,
)
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

from ..application_schemas import (
    ApplicationSchema,
    BankCardSchema,
    BeginSchema,
    BoughtCarSchema,
    GivenUpCarSchema,
    NoticedSchema,
    OneApplicationSchema,
)
from ..limiting import not_too_often
from ..schemas import NothingSchema
from ..uploads import received

_PREFIX = "/api/v1/trade-in/applications"
calls = ApiBlueprint("application_calls", __name__, url_prefix=_PREFIX)
handing_in = ApiBlueprint("evidence_calls", __name__, url_prefix=_PREFIX)
notices = ApiBlueprint("notice_calls", __name__, url_prefix="/api/v1/trade-in/notice")


@calls.route("", methods=["GET"])
@calls.arguments(PageArgs, location="query")
@calls.response(200, page_of(ApplicationSchema))
def show_all(args: dict[str, Any]) -> Page[Application]:
    """My applications, newest first."""
    return service.mine(core(), actor=actor(), **args)


@calls.route("", methods=["POST"])
@calls.arguments(BeginSchema)
@calls.response(201, ApplicationSchema)
def begin(body: dict[str, Any]) -> tuple[Application, int, dict[str, str]]:
    """Begin one. A draft of the same subsidy that is there already is the answer again."""
    not_too_often(core(), actor())
    made = service.begin(core(), actor=actor(), **body)
    return made.value, 201, replay_header(made.replayed)


@calls.route("/<uuid:id>", methods=["GET"])
@calls.response(200, OneApplicationSchema)
def show(id: UUID) -> dict[str, Any]:
    """One of mine: what is missing, what is found in it, how far it is."""
    caller, application = actor(), ApplicationId(id)
    found = service.get(core(), actor=caller, application=application)
    judged = service.preview(core(), actor=caller, application=application)
    if judged is None:
        return {"application": found, "expected_fen": None, "findings": [], "reasons": []}
    return {
        "application": found,
        "expected_fen": judged.quote.subsidy,
        "findings": [
            {
                "what": str(one.what),
                "part": str(one.part),
                "against": one.against,
                "text": words.finding(one, locale()),
            }
            for one in judged.findings
        ],
        "reasons": policy_words.reasons(judged.case, judged.quote, locale()),
    }


@calls.route("/<uuid:id>/new-car", methods=["PUT"])
@calls.arguments(BoughtCarSchema)
@calls.response(200, ApplicationSchema)
def save_new_car(body: dict[str, Any], id: UUID) -> Application:
    """Keep the new car."""
    return service.save_new_car(core(), actor=actor(), application=ApplicationId(id), **body)


@calls.route("/<uuid:id>/old-car", methods=["PUT"])
@calls.arguments(GivenUpCarSchema)
@calls.response(200, ApplicationSchema)
def save_old_car(body: dict[str, Any], id: UUID) -> Application:
    """Keep the old car."""
    return service.save_old_car(core(), actor=actor(), application=ApplicationId(id), **body)


@calls.route("/<uuid:id>/card", methods=["PUT"])
@calls.arguments(BankCardSchema)
@calls.response(200, ApplicationSchema)
def save_card(body: dict[str, Any], id: UUID) -> Application:
    """Keep my own card, to which it is paid."""
    return service.save_card(core(), actor=actor(), application=ApplicationId(id), **body)


@handing_in.route("/<uuid:id>/evidence/<name>", methods=["PUT"])
@handing_in.takes("application/pdf", "image/jpeg", "image/png")
@handing_in.response(200, ApplicationSchema)
def hand_in(id: UUID, name: str) -> Application:
    """Keep a paper, in place of an earlier one: a PDF, or a JPEG or PNG picture, as the body."""
    application = ApplicationId(id)
    if name not in set(EvidenceKind):
        raise NoSuchThing
    service.get(core(), actor=actor(), application=application)  # before anything is read
    not_too_often(core(), actor())
    paper = received()
    return service.hand_in(
        core(),
        actor=actor(),
        application=application,
        kind=EvidenceKind(name),
        content=paper.content,
        facts=paper.facts,
    )


@calls.route("/<uuid:id>/submit", methods=["POST"])
@calls.arguments(NothingSchema)
@calls.response(200, ApplicationSchema)
def submit(_body: dict[str, Any], id: UUID) -> tuple[Application, int, dict[str, str]]:
    """Hand it in, for the first time or corrected."""
    key = idempotency_key()
    done = service.submit(core(), actor=actor(), application=ApplicationId(id), key=key)
    return done.value, 200, replay_header(done.replayed)


@calls.route("/<uuid:id>/withdraw", methods=["POST"])
@calls.arguments(NothingSchema)
@calls.response(200, ApplicationSchema)
def withdraw(_body: dict[str, Any], id: UUID) -> Application:
    """Take it back: cars and papers are free for another application."""
    return service.withdraw(core(), actor=actor(), application=ApplicationId(id))


@notices.route("", methods=["GET"])
@notices.arguments(PageArgs, location="query")
@notices.response(200, page_of(NoticedSchema))
def notice(args: dict[str, Any]) -> Page[Noticed]:
    """What was approved in the last five days, names masked. Needs no sign-in."""
    return service.notice(core(), **args)

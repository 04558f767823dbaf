"""What a later policy pays more for what was bought before, and the card that it is paid to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request

from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import BatchLine
from voucher_service.tradein import words as policy_words
from voucher_service.tradein.revisions import service, words
from voucher_service.tradein.revisions.model import RevisionId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core

from ..application_schemas import BankCardSchema
from ..limiting import not_too_often

pages = Blueprint("differences", __name__, url_prefix="/trade-in/differences")

PAGE = 20


@pages.get("")
def show_all() -> str:
    """What the reader gets more, and what of it still needs a card."""
    return _list(forms.Form())


@pages.post("/<uuid:revision>/<uuid:subject>/card")
def name_card(revision: UUID, subject: UUID) -> Any:
    """Name a card for one difference."""
    form = forms.read(BankCardSchema)
    if not form.ok:
        return _list(form, subject), 422
    not_too_often(core(), actor())
    try:
        service.name_card(
            core(),
            actor=actor(),
            revision=RevisionId(revision),
            subject=subject,
            **form.values,
        )
    except NoSuchThing:
        raise
    except DomainError as error:
        form.refuse(error)
        return _list(form, subject), status_of(error)
    return redirect("/trade-in/differences", 303)


def _list(form: forms.Form, subject: UUID | None = None) -> str:
    page = service.mine(core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE)
    return render_template(
        "resident/differences.html",
        page=page,
        form=form,
        asked=subject,
        paying={one.subject_id: _paying(one.subject_id) for one in page.items if not one.paid_at},
        state_name=lambda word: words.line_state(word, locale()),
        policy_word=lambda word: policy_words.label(word, locale()),
    )


def _paying(subject: UUID) -> BatchLine | None:
    """The newest line that pays a difference, if one does."""
    return next(iter(settlement.payouts(core(), actor=actor(), payout=subject)), None)

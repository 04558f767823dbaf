"""A page's form: what was typed, what it loads to, and what is wrong with each field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict

from voucher_service.i18n import gettext, sentence
from voucher_service.kernel.errors import DomainError

from . import csrf, idempotency
from .language import locale
from .schemas import in_our_words

_OURS = frozenset({csrf.FIELD, idempotency.FIELD, "next"})


@dataclass
class Form:
    """`values` is for the service when `ok`; `typed` and `errors` are for the template."""

    typed: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refusal: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to correct."""
        return not self.errors and not self.refusal

    def refuse(self, error: DomainError) -> None:
        """Say the domain's refusal above the fields, or beside those that it names."""
        named = error.extra.get("errors")
        if isinstance(named, dict):
            self.errors |= {name: _first(inner) for name, inner in named.items()}
        self.refusal = sentence(error, locale())


def read(
    schema: type[ma.Schema],
    *,
    lists: frozenset[str] = frozenset(),
    sent: MultiDict[str, str] | None = None,
) -> Form:
    """Load the request's form, or another that was `sent`: a search in an address.

    An empty box is not filled; names in `lists` keep all values.
    """
    form = Form()
    sent = request.form if sent is None else sent
    for name in sent:
        if name not in _OURS:
            values = sent.getlist(name)
            form.typed[name] = values if name in lists else values[-1]
    filled = {name: value for name, value in form.typed.items() if value not in ("", [""])}
    try:
        form.values = dict(schema().load(filled))
    except ma.ValidationError as error:
        form.errors = {name: _first(inner) for name, inner in in_our_words(error.messages).items()}
    return form


def _first(messages: Any) -> str:
    while isinstance(messages, dict):
        messages = next(iter(messages.values()))
    text = messages[0] if isinstance(messages, list) and messages else messages
    return gettext(str(text), locale())

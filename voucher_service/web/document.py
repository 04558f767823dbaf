"""What a face's OpenAPI document says beyond its schemas: who may call, the idempotency key,
refusals, and examples.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from flask import Flask

from voucher_service.i18n import sentence
from voucher_service.kernel.errors import DomainError

from .errors import problem_of, status_of
from .guards import Guard
from .idempotency import HEADER
from .uploads import STREAMED

# The statuses of refusals, as `web.errors` gives them, by what a call is.
_SIGNED_IN = frozenset({401, 403})
_ASKING = frozenset({400, 404})
_CHANGING = frozenset({400, 401, 403, 404, 409, 410, 413, 415, 422, 429})
_ARGUMENT, _BRACES = re.compile(r"<(?:[^:>]+:)?(\w+)>"), r"{\1}"
_READS_KEY = "idempotency_key"
_KEY = {
    "name": HEADER,
    "in": "header",
    "description": "Made by the caller for this request; every retry of it carries the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
}
SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "Signature-Input",
    "description": (
        "HTTP message signature (RFC 9421), Ed25519, tag voucher-pos, over @method, @target-uri,"
        " content-digest (sha-256) and idempotency-key where there are any, with created, nonce and"
        " keyid; in Signature-Input and Signature."
    ),
}


@dataclass(frozen=True, slots=True)
class Example:
    """A call of the document by example: what is sent, what is answered, how it is refused."""

    request: Any = None
    answer: Any = None
    refusals: tuple[type[DomainError], ...] = ()


Examples = Mapping[str, Example]
"""Examples by call: `POST /api/v1/redemptions`, arguments as `{name}`."""


def finished(
    document: dict[str, Any],
    app: Flask,
    guards: Mapping[str, Guard],
    *,
    signed: bool,
    examples: Examples,
) -> dict[str, Any]:
    """The document with all of it. `signed`: the face takes signatures beside tokens."""
    ways: list[dict[str, list[str]]] = [{"bearer": []}]
    if signed:
        document["components"]["securitySchemes"]["signature"] = dict(SIGNATURE)
        ways.append({"signature": []})
    keyed = _keyed(app)
    for address, path in document.get("paths", {}).items():
        for method, operation in path.items():
            if not isinstance(operation, dict):
                continue
            signed_in = any(
                guards[tag].signed_in for tag in operation.get("tags", ()) if tag in guards
            )
            if signed_in:
                operation["security"] = list(ways)
            asks = "{" in address or bool(operation.get("parameters"))
            _name_refusals(operation, reads=method == "get", asks=asks, signed_in=signed_in)
            call = f"{method.upper()} {address}"
            if call in keyed:
                header = _KEY | {"required": keyed[call]}
                operation.setdefault("parameters", []).append(header)
            if call in examples:
                _show(operation, examples[call])
    for response in document.get("components", {}).get("responses", {}).values():
        content = response.get("content", {})
        if "application/json" in content:
            content["application/problem+json"] = content.pop("application/json")
    return document


def _keyed(app: Flask) -> dict[str, bool]:
    """The calls whose views read the idempotency key, and whether they need it."""
    found: dict[str, bool] = {}
    for rule in app.url_map.iter_rules():
        view = inspect.unwrap(app.view_functions[rule.endpoint])
        names = _names(view)
        named = [getattr(view, "__globals__", {}).get(name) for name in names]
        if any(_READS_KEY in _names(one) for one in (view, *named)):
            address = _ARGUMENT.sub(_BRACES, rule.rule)
            needed = "optional_key" not in names
            found |= {f"{method} {address}": needed for method in rule.methods or ()}
    return found


def _names(function: Any) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_names if isinstance(code, CodeType) else ()


def _name_refusals(operation: dict[str, Any], *, reads: bool, asks: bool, signed_in: bool) -> None:
    """Say with which statuses a call may be refused, in place of "any other"."""
    statuses = {503} if reads else {503, *_CHANGING}
    statuses |= _SIGNED_IN if signed_in else set()
    statuses |= _ASKING if asks else set()
    bodies = operation.get("requestBody", {}).get("content", {})
    statuses |= {411} if bodies.keys() & set(STREAMED) else set()
    responses = operation["responses"]
    problem = responses.pop("default")
    for status in sorted(statuses):
        responses.setdefault(str(status), problem)


def _show(operation: dict[str, Any], example: Example) -> None:
    if example.request is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example.request
    if example.answer is not None:
        good = next(one for name, one in operation["responses"].items() if name.startswith("2"))
        good["content"]["application/json"]["example"] = example.answer
    shown: dict[int, dict[str, Any]] = defaultdict(dict)
    for kind in example.refusals:
        refusal = kind()
        status, words = status_of(refusal), sentence(refusal, "zh_Hans_CN")
        value = problem_of(status, refusal.code, words, "zh_Hans_CN")
        shown[status][refusal.code] = {"summary": _first_line(kind), "value": value}
    for status, refusals in sorted(shown.items()):
        operation["responses"][str(status)] = {
            "description": ", ".join(refusals),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": refusals,
                }
            },
        }


def _first_line(kind: type[DomainError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]

"""The document of the merchant face says how each call of a till is made, and how it is refused."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from merchant_portal.app import create_app
from merchant_portal.examples import EXAMPLES
from tests.matrix.city import ARGUMENT, FACES
from tests.matrix.rules import RULES
from voucher_service import docs
from voucher_service.infra.core import Core
from voucher_service.redemption import model as redemption
from voucher_service.web.face import Face

OF_A_TILL = {"sign_in", "me", "redemptions", "orders", "refund_calls", "summary", "sandbox"}


@pytest.fixture(scope="module")
def document(core: Core) -> dict[str, Any]:
    """The document of the merchant face."""
    return document_of(create_app(core))


def document_of(app: Flask) -> dict[str, Any]:
    """What a face serves."""
    found: dict[str, Any] = app.test_client().get("/api/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """Each call with what is said of it."""
    return {
        f"{method.upper()} {address}": operation
        for address, path in document["paths"].items()
        for method, operation in path.items()
        if isinstance(operation, dict)
    }


def test_every_call_of_a_till_has_an_example(document: dict[str, Any]) -> None:
    mine = {
        call for call, one in operations(document).items() if OF_A_TILL & set(one.get("tags", ()))
    }
    assert mine == set(EXAMPLES)


@pytest.mark.parametrize("face", [Face.MERCHANT, Face.RESIDENT])
def test_examples_are_what_the_schemas_say(core: Core, face: Face) -> None:
    document, checked = document_of(FACES[face](core)), 0
    for call, operation in operations(document).items():
        contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
        contents += [one["content"] for one in operation["responses"].values() if "content" in one]
        for media in (media for content in contents for media in content.values()):
            shown = [one["value"] for one in media.get("examples", {}).values()]
            shown += [media["example"]] if "example" in media else []
            schema = {"components": document["components"], "allOf": [media.get("schema", {})]}
            for value in shown:
                errors = [
                    str(one) for one in jsonschema_rs.validator_for(schema).iter_errors(value)
                ]
                assert errors == [], call
                checked += 1
    assert checked > (200 if face is Face.MERCHANT else 60)


@pytest.mark.parametrize("face", FACES)
def test_every_call_that_takes_an_idempotency_key_says_so(core: Core, face: Face) -> None:
    said = {
        call: each["required"]
        for call, one in operations(document_of(FACES[face](core))).items()
        for each in one.get("parameters", ())
        if each.get("name") == "Idempotency-Key"
    }
    known = {
        f"{rule.method} " + ARGUMENT.sub(lambda found: "{" + found[1] + "}", rule.path)
        for rule in RULES
        if rule.face is face and rule.is_api and rule.keyed
    }
    assert known <= set(said)
    assert {call for call, needed in said.items() if needed} <= known


def test_both_ways_in_are_said(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"bearer", "signature"}
    redeem = operations(document)["POST /api/v1/redemptions"]
    assert redeem["security"] == [{"bearer": []}, {"signature": []}]


def test_every_refusal_of_a_redemption_is_among_the_examples(document: dict[str, Any]) -> None:
    shown = {
        code
        for call, one in operations(document).items()
        if "/redemptions" in call
        for answer in one["responses"].values()
        for code in answer.get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
    own = {leaf.code for leaf in docs.leaves() if leaf.__module__ == redemption.__name__}
    assert own - {"signed_out"} <= shown  # which the face says as token_invalid

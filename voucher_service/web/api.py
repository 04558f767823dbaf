"""API blueprints: strict JSON in, schemas both ways, and the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn, TypeVar

import marshmallow as ma
from flask import Blueprint, Flask, Request, Response, jsonify
from flask_smorest import Api as SmorestApi  # type: ignore[import-untyped]
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from voucher_service.kernel.errors import InvalidInput, Malformed

from .document import Examples, finished
from .face import Face
from .fields import CountField
from .guards import Guard
from .schemas import Schema, in_our_words

View = TypeVar("View", bound=Callable[..., Any])


class MalformedJson(Malformed):
    """The body is not one JSON value in UTF-8."""

    code = "malformed_json"


def parse(body: bytes) -> Any:
    """One JSON value. Raises MalformedJson.

    Refuses what JSON does not have or what two readers may read differently: NaN, names given
    twice, bytes that are not UTF-8, nesting without end.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise MalformedJson from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name given twice")
    return found


class Parser(FlaskParser):
    """Reads arguments; what it refuses becomes an error of the domain's kinds."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:  # noqa: ARG002
        """The body; an absent one counts as an empty object. Raises UnsupportedMediaType."""
        body = req.get_data(cache=True)
        if not body:
            return {}
        if not req.is_json:
            raise UnsupportedMediaType
        return parse(body)

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Name each wrong field. Raises InvalidInput."""
        messages: Any = error.messages
        inner = (
            next(iter(messages.values())) if isinstance(messages, dict) and messages else messages
        )
        raise InvalidInput(extra={"errors": in_our_words(inner)})


class ApiBlueprint(SmorestBlueprint):  # type: ignore[misc]
    """A blueprint of API calls. Its docstrings and schemas are the OpenAPI document."""

    ARGUMENTS_PARSER = Parser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """A call at this address below the blueprint's prefix."""
        decorate: Callable[[View], View] = super().route(rule, **options)
        return decorate

    def arguments(
        self, schema: type[ma.Schema] | ma.Schema, **options: Any
    ) -> Callable[[View], View]:
        """Load the body (or `location="query"`) with a schema; the view gets the dict first."""
        decorate: Callable[[View], View] = super().arguments(schema, **options)
        return decorate

    def response(
        self,
        status_code: int,
        schema: type[ma.Schema] | ma.Schema | dict[str, Any] | None = None,
        **options: Any,
    ) -> Callable[[View], View]:
        """Dump what the view returns, a value or `(value, status, headers)`, with a schema.

        Where the view returns a whole response, the schema is a dict and only documents it.
        """
        decorate: Callable[[View], View] = super().response(status_code, schema, **options)
        return decorate

    def takes(self, *media_types: str) -> Callable[[View], View]:
        """Document a body that is a file; the view reads it itself."""
        content = {one: {"schema": FILE} for one in media_types}
        decorate: Callable[[View], View] = super().doc(
            requestBody={"required": True, "content": content}
        )
        return decorate

    def alt_response(self, status_code: int, **options: Any) -> Callable[[View], View]:
        """Document one more answer of the view."""
        decorate: Callable[[View], View] = super().alt_response(status_code, **options)
        return decorate


# What a file is in the document: its content type says the rest.
FILE = {"type": "string", "format": "binary"}


class ProblemSchema(Schema):
    """Problem details (RFC 9457) with our stable code. Some refusals say more."""

    class Meta(Schema.Meta):
        """Members beside these."""

        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = CountField(required=True)
    code = ma.fields.String(required=True, metadata={"description": "stable, for machines"})
    detail = ma.fields.String(required=True, metadata={"description": "what to do, for people"})
    errors = ma.fields.Dict(metadata={"description": "by field, with invalid_input"})


class Api(SmorestApi):  # type: ignore[misc]
    """The API of a face: registers blueprints and writes the document; errors are ours."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask, face: Face) -> None:
        app.config.update(
            API_TITLE=f"Voucher service, {face.value} face",
            API_VERSION="v1",
            OPENAPI_VERSION="3.1.0",
        )
        super().__init__(app)
        self.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})

    def _register_error_handlers(self) -> None:
        """Leave errors to web.errors, which keeps the Allow header of a 405."""

    def serve(
        self, app: Flask, guards: Mapping[str, Guard], *, signed: bool, examples: Examples
    ) -> None:
        """Serve the document at `/api/openapi.json`; it is written when first asked for.

        `signed`: the face takes signatures beside tokens.
        """
        views = Blueprint("openapi", __name__)
        written = cache(
            lambda: finished(self.spec.to_dict(), app, guards, signed=signed, examples=examples)
        )

        @views.get("/api/openapi.json")
        def document() -> Response:
            return jsonify(written())

        app.register_blueprint(views)

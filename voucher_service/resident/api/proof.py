"""The sealed log: its signed heads, and proofs that something is in it and that it only grew."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.page import Page, decode_cursor, encode_cursor
from voucher_service.proof import service
from voucher_service.proof.entry import Kind
from voucher_service.proof.model import Checkpoint, Consistency, Inclusion
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.fields import CountField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

proof = ApiBlueprint("proof", __name__, url_prefix="/api/v1/proof")
_MOST = 2**62


class CheckpointSchema(Schema):
    """A signed head. `size` counts the leaves, `root` is the tree's in base64; `note` is the signed
    text (C2SP tlog-checkpoint).
    """

    size = CountField(required=True)
    root = fields.String(attribute="fingerprint", required=True)
    note = fields.String(required=True)
    at = InstantField(required=True)


class InclusionArgs(Schema):
    """Which entry, and in a tree of how many leaves; without `size` in the whole log."""

    kind = fields.Enum(Kind, by_value=True, required=True)
    number = fields.Integer(required=True, validate=validate.Range(0, _MOST))
    size = fields.Integer(load_default=None, validate=validate.Range(1, _MOST))


class InclusionSchema(Schema):
    """The audit path (RFC 9162, 2.1.3) from SHA-256(0x00 ‖ line) to the root; hashes in base64."""

    line = fields.String(required=True)
    index = CountField(required=True)
    size = CountField(required=True)
    root = fields.String(attribute="fingerprint", required=True)
    path = fields.List(fields.String(), attribute="hashes", required=True)


class ConsistencyArgs(Schema):
    """Two sizes of the log."""

    old = fields.Integer(required=True, validate=validate.Range(1, _MOST))
    new = fields.Integer(required=True, validate=validate.Range(1, _MOST))


class ConsistencySchema(Schema):
    """The proof (RFC 9162, 2.1.4) that the log of `old` leaves is the beginning of `new`."""

    old = CountField(required=True)
    new = CountField(required=True)
    path = fields.List(fields.String(), attribute="hashes", required=True)


@proof.route("/checkpoints", methods=["GET"])
@proof.arguments(PageArgs, location="query")
@proof.response(200, page_of(CheckpointSchema))
def checkpoints(args: dict[str, Any]) -> Page[Checkpoint]:
    """Published heads, newest first. Needs no sign-in."""
    below = int(decode_cursor(args["cursor"], 1)[0]) if args["cursor"] else None
    found = service.checkpoints(core(), below=below, limit=args["limit"] + 1)
    items = found[: args["limit"]]
    return Page(items, encode_cursor(str(items[-1].size)) if len(found) > len(items) else None)


@proof.route("/checkpoints/<int:size>", methods=["GET"])
@proof.response(200, CheckpointSchema)
def checkpoint(size: int) -> Checkpoint:
    """The published head of a size."""
    found = service.checkpoint_of(core(), size=size)
    if found is None:
        raise NoSuchThing
    return found


@proof.route("/inclusion", methods=["GET"])
@proof.arguments(InclusionArgs, location="query")
@proof.response(200, InclusionSchema)
@proof.alt_response(409, response="DEFAULT_ERROR")
def inclusion(args: dict[str, Any]) -> Inclusion:
    """That a record (`event`) or a movement of money (`transfer`) is in the log."""
    return service.inclusion(core(), **args)


@proof.route("/consistency", methods=["GET"])
@proof.arguments(ConsistencyArgs, location="query")
@proof.response(200, ConsistencySchema)
def consistency(args: dict[str, Any]) -> Consistency:
    """That the log only grew between two sizes."""
    return service.consistency(core(), **args)

"""Lotteries: what is published of them, and a resident's entry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from voucher_service.infra.core import Core
from voucher_service.kernel.page import Page, decode_cursor, encode_cursor
from voucher_service.lotteries import service
from voucher_service.lotteries.drawing import RULE
from voucher_service.lotteries.model import Entry, Lottery, LotteryId
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, InstantField
from voucher_service.web.idempotency import replay_header
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

from ..limiting import not_too_often
from ..schemas import NothingSchema

lotteries = ApiBlueprint("lotteries", __name__, url_prefix="/api/v1/lotteries")
entries = ApiBlueprint("lottery-entries", __name__, url_prefix="/api/v1/lotteries")

FILES = {
    "lottery.json": (service.lottery_file, "application/json"),
    "entries.csv": (service.entries_file, "text/csv; charset=utf-8"),
    "result.csv": (service.result_file, "text/csv; charset=utf-8"),
}


class CommitmentSchema(Schema):
    """A party's promise: the SHA-256 of its secret; the secret once it is revealed, else null."""

    attempt = CountField(required=True)
    party = fields.String(required=True)
    sha256 = fields.String(required=True)
    committed_at = InstantField(required=True)
    secret = fields.String(required=True, allow_none=True)
    revealed_at = InstantField(required=True, allow_none=True)


class LotterySchema(Schema):
    """A lottery. `status`: open closed drawn. `entries`, `list_sha256` and the commitments stand
    from the closing on, `seed` and `result_sha256` from the draw on, else null. An attempt below
    `attempt` was void. `files`: where what is published so far can be downloaded, by name.
    """

    id = fields.UUID(required=True)
    offer_id = fields.UUID(attribute="offer.id", required=True)
    title = fields.String(attribute="offer.title", required=True)
    status = fields.String(required=True)
    seats = CountField(attribute="terms.seats", required=True)
    waiting = CountField(attribute="terms.waiting", required=True)
    opens_at = InstantField(attribute="terms.opens_at", required=True)
    closes_at = InstantField(attribute="terms.closes_at", required=True)
    waiting_from = InstantField(attribute="terms.waiting_from", allow_none=True, required=True)
    rule = fields.Constant(RULE, required=True)
    attempt = CountField(required=True)
    commitments = fields.List(fields.Nested(CommitmentSchema), required=True)
    closed_at = InstantField(allow_none=True, required=True)
    entries = CountField(allow_none=True, required=True)
    list_sha256 = fields.String(allow_none=True, required=True)
    reveal_by = InstantField(allow_none=True, required=True)
    seed = fields.String(allow_none=True, required=True)
    result_sha256 = fields.String(allow_none=True, required=True)
    drawn_at = InstantField(allow_none=True, required=True)
    files = fields.Dict(keys=fields.String(), values=fields.String(), required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """The addresses of the files are no attribute of a lottery."""
        return _files(obj) if attr == "files" else super().get_attribute(obj, attr, default)


class EntrySchema(Schema):
    """My entry. `leaf` stands for me in `entries.csv`; `outcome`: undecided won waiting not_drawn;
    `rank` counts from 1 among those who won or wait.
    """

    leaf = fields.String(required=True)
    entered_at = InstantField(required=True)
    outcome = fields.String(required=True)
    rank = CountField(allow_none=True, required=True)


@lotteries.route("", methods=["GET"])
@lotteries.arguments(PageArgs, location="query")
@lotteries.response(200, page_of(LotterySchema))
def show_all(args: dict[str, Any]) -> Page[Lottery]:
    """Lotteries that were announced, newest first. Needs no sign-in."""
    found = service.published(core())
    if args["cursor"]:
        (last,) = decode_cursor(args["cursor"], 1)
        ids = [str(one.id) for one in found]
        found = found[ids.index(last) + 1 :] if last in ids else []
    items = found[: args["limit"]]
    return Page(items, encode_cursor(items[-1].id) if len(found) > len(items) else None)


@lotteries.route("/<uuid:id>", methods=["GET"])
@lotteries.response(200, LotterySchema)
def show(id: UUID) -> Lottery:
    """The terms, the commitments, the hash of the list, the seed and the result's hash."""
    return service.lottery(core(), lottery=LotteryId(id))


@lotteries.route("/<uuid:id>/lottery.json", methods=["GET"])
@lotteries.response(200, {"type": "object"})
def lottery_json(id: UUID) -> Response:
    """Terms, commitments, secrets and seed, byte for byte; from the closing on."""
    return download(core(), LotteryId(id), "lottery.json")


@lotteries.route("/<uuid:id>/entries.csv", methods=["GET"])
@lotteries.response(200, FILE, content_type="text/csv")
def entries_csv(id: UUID) -> Response:
    """The list, one leaf a line; from the closing on."""
    return download(core(), LotteryId(id), "entries.csv")


@lotteries.route("/<uuid:id>/result.csv", methods=["GET"])
@lotteries.response(200, FILE, content_type="text/csv")
def result_csv(id: UUID) -> Response:
    """Who won and who waits, in order; from the draw on."""
    return download(core(), LotteryId(id), "result.csv")


@entries.route("/<uuid:id>/entries", methods=["POST"])
@entries.arguments(NothingSchema)
@entries.response(201, EntrySchema)
def enter(_body: dict[str, Any], id: UUID) -> tuple[Entry, int, dict[str, str]]:
    """Enter. The body is empty; a resident enters once, and again gives the first answer."""
    not_too_often(core(), actor())
    made = service.enter(core(), actor=actor(), lottery=LotteryId(id))
    return made.value, 201, replay_header(made.replayed)


@entries.route("/<uuid:id>/entries/mine", methods=["GET"])
@entries.response(200, EntrySchema)
def mine(id: UUID) -> Entry:
    """My entry and what came of it; not found when I did not enter."""
    return service.my_entry(core(), actor=actor(), lottery=LotteryId(id))


def _files(lottery: Lottery) -> dict[str, str]:
    there = {
        "lottery.json": lottery.list_sha256,
        "entries.csv": lottery.list_sha256,
        "result.csv": lottery.seed,
    }
    return {name: f"/api/v1/lotteries/{lottery.id}/{name}" for name in FILES if there[name]}


def download(core: Core, lottery: LotteryId, name: str) -> Response:
    """A published file of a lottery as an attachment. Raises NoSuchThing."""
    read, kind = FILES[name]
    answer = Response(read(core, lottery=lottery), content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if name.endswith(".csv"):  # once published, it never changes
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer

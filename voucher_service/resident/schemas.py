"""What residents send and see. Money is whole fen; instants carry the offset of Shanghai."""

from __future__ import annotations

from marshmallow import fields, validate

from voucher_service.identity.documents import Document
from voucher_service.web.api import ProblemSchema
from voucher_service.web.fields import CountField, FenField, InstantField, NameField, TextField
from voucher_service.web.schemas import PageArgs, Schema
from voucher_service.web.site import now

from .offer_schemas import OfferTermsSchema


class NothingSchema(Schema):
    """An empty body."""


class MobileSchema(Schema):
    """Where the one-time code goes."""

    mobile = TextField(required=True, maximum=32)


class SignInSchema(MobileSchema):
    """A mobile and the one-time code that it received."""

    code = TextField(required=True, maximum=16)


class CodeSentSchema(Schema):
    """How long the code that was sent is valid."""

    expires_in_seconds = CountField(required=True)


class TokenSchema(Schema):
    """An access token, for `Authorization: Bearer`."""

    access_token = fields.String(required=True)
    expires_in_seconds = CountField(required=True)


class IdentitySchema(Schema):
    """A real name. `document` defaults to the resident id card."""

    document = fields.Enum(Document, by_value=True, load_default=Document.RESIDENT_ID)
    name = NameField(required=True, maximum=60)
    id_number = TextField(required=True, minimum=0, maximum=64)
    consent_version = TextField(required=True, maximum=40)


class MeSchema(Schema):
    """The resident's own data: mobile 138****1234, the last four of the document's number."""

    mobile = fields.String(required=True)
    verified = fields.Function(lambda card: card.name is not None)
    name = fields.String(allow_none=True, required=True)
    document = fields.String(allow_none=True, required=True)
    id_last4 = fields.String(allow_none=True, required=True)
    consent_version = fields.String(allow_none=True, required=True)


class ConsentSchema(Schema):
    """What a resident agrees to before their name is verified."""

    version = fields.String(required=True)
    paragraphs = fields.List(fields.String(), required=True)


class OffersArgs(PageArgs):
    """Which offers: `open` now (the ones sold out included), or `upcoming`."""

    state = fields.String(load_default="open", validate=validate.OneOf(("open", "upcoming")))


class OfferSchema(OfferTermsSchema):
    """What can be claimed. `kind`: threshold fixed percent_capped pack balance. `remaining` counts
    the releases that are open, or the next one to open; `area` is the division that issues it,
    `areas` and `trades` where it can be spent (empty: all). With `waiting_room` a claim is first
    answered with a place in a line, with `proof_of_work` it needs a puzzle solved.
    """

    id = fields.UUID(attribute="offer.id")
    slug = fields.String(attribute="offer.slug")
    kind = fields.String(attribute="offer.kind")
    release_id = fields.UUID(attribute="release.id")
    campaign = fields.String(attribute="offer.campaign_name")
    title = fields.String(attribute="offer.title")
    face_value_fen = FenField(attribute="offer.face_value")
    threshold_fen = FenField(attribute="offer.threshold")
    remaining = CountField()
    quota = CountField()
    per_resident_limit = CountField(attribute="offer.per_resident_limit")
    opens_at = InstantField(attribute="release.opens_at")
    closes_at = InstantField(attribute="release.closes_at")
    valid_days = CountField(attribute="offer.valid_days")
    area = fields.String(attribute="offer.issuing_area")
    areas = fields.List(fields.String(), attribute="offer.areas")
    trades = fields.List(fields.String(), attribute="offer.trades")
    waiting_room = fields.Boolean(attribute="offer.waiting_room")
    proof_of_work = fields.Boolean(attribute="offer.proof_of_work")


class VoucherSchema(Schema):
    """One voucher of the resident's own. `status`: claimed frozen redeemed expired returned.
    `face_value_fen` is what it is worth in all, `left_fen` what of it is still to be spent.
    """

    id = fields.UUID()
    offer_id = fields.UUID(attribute="offer.id")
    campaign = fields.String(attribute="offer.campaign_name")
    title = fields.String(attribute="offer.title")
    status = fields.Function(lambda voucher: str(voucher.shown_status(now())))
    kind = fields.String(attribute="offer.kind")
    face_value_fen = FenField(attribute="face_value")
    left_fen = FenField(attribute="left")
    threshold_fen = FenField(attribute="offer.threshold")
    claimed_at = InstantField()
    valid_from = InstantField()
    valid_until = InstantField()
    areas = fields.List(fields.String(), attribute="offer.areas")
    trades = fields.List(fields.String(), attribute="offer.trades")


class ProofSchema(Schema):
    """The solution of a challenge, for an offer that asks for a proof of work."""

    proof = fields.String(
        data_key="X-Proof-Of-Work",
        load_default=None,
        metadata={
            "description": "Base64 of the JSON {algorithm, challenge, salt, number, signature}: "
            "the challenge of the 428 answer with the number found, so that SHA-256 of salt and "
            "number is the challenge in hex. Counts once, for two minutes, for this resident and "
            "offer."
        },
    )


class ChallengeSchema(Schema):
    """Find `number` from 0 to `maxnumber`: SHA-256 of `salt` and the number in decimal digits."""

    algorithm = fields.Constant("SHA-256", required=True)
    challenge = fields.String(required=True)
    salt = fields.String(required=True)
    maxnumber = CountField(required=True)
    signature = fields.String(required=True)


class ProofRequiredSchema(ProblemSchema):
    """`proof_of_work_required`, with the challenge to solve."""

    challenge = fields.Nested(ChallengeSchema, required=True)


class TicketSchema(Schema):
    """A place in the line of an opening. `state`: waiting your_turn closed. With `your_turn` and
    `closed` the claim answers, sent again with the same key. `position` counts from 1 while
    waiting; until places are `drawn` it is how many wait so far.
    """

    ticket = fields.String(required=True)
    state = fields.String(required=True)
    position = CountField(required=True)
    poll_after_seconds = CountField(required=True)
    drawn = fields.Boolean(required=True)
    opens_at = InstantField(required=True)


class CodeSchema(Schema):
    """The text that the QR carries, the short one to type, and the window in which it is shown."""

    code = fields.String(attribute="text")
    short_code = fields.String(attribute="short")
    valid_from = InstantField()
    valid_until = InstantField()


class FreshCodeSchema(CodeSchema):
    """The code of this moment, and how long it is still shown."""

    expires_in_seconds = CountField()


class CodesArgs(Schema):
    """How many codes: this one and those after it, 1 to 4."""

    count = fields.Integer(load_default=4, validate=validate.Range(1, 4))


class CodesSchema(Schema):
    """Codes in the order in which they are to be shown."""

    codes = fields.List(fields.Nested(CodeSchema), required=True)

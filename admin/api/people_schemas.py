"""What the calls about staff, sessions, residents and the audit trail read and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from admin.schemas import AreaField, one_of
from voucher_service.i18n import mark
from voucher_service.identity.desk import Field, Reason
from voucher_service.identity.documents import Document
from voucher_service.identity.model import STAFF_ROLES
from voucher_service.web.fields import CodeField, CountField, InstantField, NameField, TextField
from voucher_service.web.schemas import PageArgs, Schema

_SECRET = validate.Length(min=1, max=200, error=mark("太长了。"))
_CODE = validate.Length(min=1, max=64, error=mark("太长了。"))
_SEVERAL = validate.Length(min=1, max=10, error=mark("至少选一个。"))


class CityAreaField(AreaField):
    """A division, or an empty text for the whole city."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return "" if value == "" else super()._deserialize(value, *args, **kwargs)


class RolesSchema(Schema):
    """What somebody may do, and where; an empty `area` is the whole city."""

    roles = fields.List(
        fields.String(validate=one_of(*STAFF_ROLES)), required=True, validate=_SEVERAL
    )
    area = CityAreaField(required=True)


class NewStaffSchema(RolesSchema):
    """A colleague's account to propose; the first password is changed at the first sign-in."""

    username = fields.String(required=True, validate=_SECRET)
    display_name = NameField(required=True, maximum=60)
    password = fields.String(required=True, validate=_SECRET)


class FirstPasswordSchema(Schema):
    """A first password, once more."""

    password = fields.String(required=True, validate=_SECRET)


class ProposedSchema(Schema):
    """The proposal that waits for a second person."""

    approval_id = fields.UUID(required=True)


class ProposedStaffSchema(ProposedSchema):
    """The account that is proposed, and its proposal."""

    id = fields.UUID(required=True)


class ColleagueSchema(Schema):
    """A member of staff. An empty `area` is the whole city."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    roles = fields.Function(lambda staff: sorted(staff.roles))
    area = fields.String(required=True)
    status = fields.String(required=True)
    factors = fields.Function(lambda staff: sorted(staff.factors))
    signed_in_at = InstantField(required=True, allow_none=True)


class SessionSchema(Schema):
    """A session that still counts; `seen_at` is exact to five minutes."""

    id = fields.UUID(required=True)
    address_prefix = fields.String(required=True, allow_none=True)
    agent = fields.String(required=True)
    opened_at = InstantField(required=True)
    seen_at = InstantField(required=True)
    expires_at = InstantField(required=True)


class OwnSessionSchema(SessionSchema):
    """One of the caller's own; `current` is the one that asks."""

    current = fields.Boolean(required=True)


class PasskeySchema(Schema):
    """A passkey; a suspended one seems to have been copied and lets nobody in."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    made_at = InstantField(required=True)
    used_at = InstantField(required=True, allow_none=True)
    suspended = fields.Boolean(required=True)


class FactorsSchema(Schema):
    """What the caller enrolled besides the password."""

    otp = fields.Boolean(required=True)
    passkeys = fields.List(fields.Nested(PasskeySchema), required=True)
    recovery_codes_left = CountField(required=True)


class OtpSecretSchema(Schema):
    """A secret in base32 for an authenticator; it counts once a code confirms it."""

    secret = fields.String(required=True)
    uri = fields.String(required=True)


class OtpSchema(Schema):
    """A code of the authenticator, or a recovery code where one counts."""

    otp = fields.String(required=True, validate=_CODE)


class RecoveryCodesSchema(Schema):
    """Ten codes, shown this once; each stands in for the second factor one time."""

    recovery_codes = fields.List(fields.String(), required=True)


class PasswordSchema(Schema):
    """The password that was, and the one that will be."""

    old = fields.String(required=True, validate=_SECRET)
    new = fields.String(required=True, validate=_SECRET)


class DocumentSchema(Schema):
    """Which document an id number stands on."""

    document = fields.String(load_default=Document.RESIDENT_ID.value, validate=one_of(*Document))


class LookUpSchema(DocumentSchema):
    """Whom to look for: one of three."""

    mobile = fields.String(validate=_CODE)
    id_number = fields.String(validate=_CODE)
    voucher_id = fields.UUID()

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 2:  # one of them, and the kind of document
            raise ValidationError({"mobile": [mark("手机号、证件号码、券号只填一样。")]})


class MaskedSchema(Schema):
    """A resident, masked."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, allow_none=True)
    mobile = fields.String(required=True)
    id_number = fields.String(required=True, allow_none=True)
    document = fields.String(required=True, allow_none=True)
    area = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    verified_at = InstantField(required=True, allow_none=True)


class FoundSchema(Schema):
    """Who was found, or null."""

    resident = fields.Nested(MaskedSchema, required=True, allow_none=True)


class ForgetSchema(Schema):
    """How the person asked to be forgotten; `note` holds no personal data."""

    note = TextField(required=True, minimum=4, maximum=200)


class RevealSchema(Schema):
    """What to read in clear, and why; `note` holds no personal data."""

    fields_ = fields.List(
        fields.String(validate=one_of(*Field)),
        required=True,
        validate=_SEVERAL,
        data_key="fields",
    )
    reason = fields.String(required=True, validate=one_of(*Reason))
    note = TextField(required=True, minimum=4, maximum=200)


class RevealedSchema(Schema):
    """The data in clear, by field; empty where there is none."""

    revealed = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class CriteriaSchema(Schema):
    """Which events. `since` counts, `until` no longer."""

    actor = CodeField(maximum=100, load_default=None)
    action = CodeField(maximum=100, load_default=None)
    object_type = CodeField(maximum=60, load_default=None)
    object_id = CodeField(maximum=100, load_default=None)
    since = InstantField(load_default=None)
    until = InstantField(load_default=None)


class EventArgs(CriteriaSchema, PageArgs):
    """Which events, and which page of them."""


class WhoSawSchema(DocumentSchema, PageArgs):
    """Whose readers to list: the number stays out of addresses and logs."""

    id_number = fields.String(required=True, validate=_CODE)


class EventSchema(Schema):
    """One event of the trail. `actor` is a kind and an id."""

    id = CountField(required=True, maximum=2**63 - 1)
    occurred_at = InstantField(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    object_type = fields.String(required=True)
    object_id = fields.String(required=True)
    from_status = fields.String(required=True, allow_none=True)
    to_status = fields.String(required=True, allow_none=True)
    detail = fields.Dict(required=True)

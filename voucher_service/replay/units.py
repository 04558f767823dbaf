"""What units, cars and papers of a replay are called: numbers that check and belong to nothing."""

from __future__ import annotations

import io
import zlib
from datetime import date

import pikepdf
from stdnum import ean, luhn

from voucher_service.goods.gtins import INVENTED
from voucher_service.infra.files import PDF, Content
from voucher_service.kernel.money import Money
from voucher_service.tradein import identifiers
from voucher_service.tradein.applications.model import (
    EVIDENCE,
    Bought,
    Card,
    EvidenceKind,
    GivenUp,
    Vehicle,
)
from voucher_service.tradein.policy import Category, Energy

from . import subsidies
from .cases import Case
from .fields import Field

_SEATS = 5
_TAX_RATE = 13  # per cent, in the price
_CARD_PREFIX = "622999"  # no bank's, as far as we know


def gtin(field: Field, place: int) -> str:
    """The number under the barcode of one of a field's goods."""
    digits = f"{INVENTED}{_letters(field.slug):06d}{place:02d}"
    return digits + ean.calc_check_digit(digits)


def item(field: Field, case: Case) -> dict[str, object]:
    """The one article of a case's order, as a till sends it."""
    goods = field.goods[case.goods]
    told: dict[str, object] = {
        "gtin": gtin(field, case.goods),
        "serial": f"R{field.opens_on:%y}-{field.slug.upper()}-{case.number:07d}",
        "price_fen": case.price_fen,
    }
    if goods.grade is not None:
        told["grade"] = goods.grade
    if goods.category is Category.PHONE:
        digits = f"99{_letters(field.slug) % 10**5:05d}{case.number:07d}"
        told["imei1"] = digits + luhn.calc_check_digit(digits)
    return told


def bought(field: Field, case: Case, buyer: str) -> Bought:
    """The new car of a case, with the papers that fit it."""
    goods = field.goods[case.goods]
    assert goods.energy is not None, "a car runs on something"
    nev = goods.energy is Energy.NEV
    price = Money(case.price_fen)
    return Bought(
        vin=_vin("N", field.opens_on, case.number),
        plate=field.plate + (f"D{case.number:05d}" if nev else f"{case.number:05d}"),
        energy=goods.energy,
        vehicle=Vehicle.SMALL,
        seats=_SEATS,
        invoice=f"{case.bought_on:%y}{case.area[:2]}{case.number + 1:016d}",
        area=case.area,
        buyer=buyer,
        price=price,
        tax=price - Money(price.fen * 100 // (100 + _TAX_RATE)),
        invoiced_on=case.bought_on,
        registered_on=case.registered_on,
        engine_ml=goods.engine_ml,
        listed=nev,
    )


def given_up(field: Field, case: Case, owner: str) -> GivenUp | None:
    """The old car of a case, where the policy wants one."""
    if field.policy.old is None:
        return None
    old = subsidies.OLD_CAR
    return GivenUp(
        vin=_vin("X", field.opens_on, case.number),
        plate=f"{field.plate}A{case.number:04d}",
        energy=old.energy,
        registered_on=old.registered_on,
        owned_since=old.owned_since or old.registered_on,
        owner=owner,
        paper=f"{case.bought_on:%y}{case.area[:2]}9{case.number + 1:015d}",
        parted_on=case.bought_on,
        closed_on=case.registered_on,
    )


def card(case: Case, holder: str) -> Card:
    """The applicant's own card."""
    digits = f"{_CARD_PREFIX}{case.resident:012d}"
    return Card(holder, digits + luhn.calc_check_digit(digits), "合成回放银行")


def papers(field: Field, case: Case) -> dict[EvidenceKind, Content]:
    """The papers of a case: blank pages that say what they stand for."""
    made = {}
    for kind in EVIDENCE[field.policy.scheme]:
        with pikepdf.new() as pdf:
            pdf.add_blank_page()
            pdf.docinfo["/Title"] = f"synthetic {kind} {field.slug} {case.number}"
            out = io.BytesIO()
            pdf.save(out, static_id=True)
        made[kind] = Content(PDF, out.getvalue())
    return made


def _vin(series: str, opens_on: date, number: int) -> str:
    """A vehicle's number whose ninth character checks."""
    halves = f"LRP{series}{opens_on:%y}WA", f"PA{number:06d}"
    every = (f"{sign.join(halves)}" for sign in "0123456789X")
    return next(one for one in every if not identifiers.vin(one).doubtful)


def _letters(slug: str) -> int:
    """A number of six digits for a field's name, so that two fields don't share one."""
    return zlib.crc32(slug.encode()) % 10**6

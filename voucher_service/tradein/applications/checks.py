"""What machines find in an application before people look: a list, each finding with its weight.

Pure. AGAINST: the rules pay nothing, so it can't be handed in. DOUBT: a person has to look.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from voucher_service.kernel.money import Bps, Money, Rounding

from .. import identifiers
from ..policy import Energy, Policy, Scheme
from ..quote import Quote
from .model import Bought, Card, GivenUp, Part, Vehicle

# What a plate's first letter says: the province's two digits (GA 36, GB/T 2260).
_PROVINCES = dict(
    zip(
        "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新",
        (
            *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35"),
            *("36", "37", "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54"),
            *("61", "62", "63", "64", "65"),
        ),
        strict=True,
    )
)
# Rates of value-added tax that a car dealer may put on an invoice: 13 %, small taxpayers 3 % and
# 1 %. Another one is a reason to look, no more.
_TAX_RATES = (Bps(1_300), Bps(300), Bps(100))
_TAX_SLACK = Money(100)


class Weight(StrEnum):
    """What a finding means for the application."""

    AGAINST = "against"
    DOUBT = "doubt"


class Found(StrEnum):
    """What was found."""

    INELIGIBLE = "ineligible"
    SAME_CAR = "same_car"
    NEW_VIN_DIGIT = "new_vin_digit"
    OLD_VIN_DIGIT = "old_vin_digit"
    OLD_CAR_SUBSIDISED = "old_car_subsidised"
    CARD_DIGIT = "card_digit"
    REGISTRATION_OUTSIDE = "registration_outside"
    PARTING_OUTSIDE = "parting_outside"
    FILED_LATE = "filed_late"
    IN_FUTURE = "in_future"
    OUT_OF_ORDER = "out_of_order"
    TAX_OVER_PRICE = "tax_over_price"
    TAX_UNUSUAL = "tax_unusual"
    BUYER_DIFFERS = "buyer_differs"
    OWNER_DIFFERS = "owner_differs"
    HOLDER_DIFFERS = "holder_differs"
    VEHICLE_EXCLUDED = "vehicle_excluded"
    NOT_IN_CATALOGUE = "not_in_catalogue"
    OTHER_PROVINCE = "other_province"
    PLATE_KIND = "plate_kind"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, about one part of the form."""

    what: Found
    weight: Weight
    part: Part

    @property
    def against(self) -> bool:
        """Whether it keeps the application from being paid."""
        return self.weight is Weight.AGAINST


@dataclass(frozen=True, slots=True)
class Filing:
    """Everything that is judged. `name` is the verified real name, `on` the day it was filed.

    `old_subsidised`: the old car was bought with a subsidy of an earlier application.
    """

    scheme: Scheme
    bought: Bought
    given_up: GivenUp | None
    card: Card
    name: str
    on: date
    old_subsidised: bool = False


def check(filing: Filing, quote: Quote) -> tuple[Finding, ...]:
    """What is found in an application whose subsidy is this; what weighs most comes first."""
    found = [
        *_eligible(quote),
        *_new_car(filing),
        *_old_car(filing),
        *_money(filing),
        *_names(filing),
    ]
    if quote.policy is not None:
        found += [*_windows(filing, quote.policy), *_vehicle(filing, quote.policy)]
    return tuple(sorted(found, key=lambda one: not one.against))


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are one name: full width, blanks and the dots between parts apart."""
    return _name(one) == _name(other)


def _name(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(sign for sign in plain if sign not in "·•・.‧" and not sign.isspace())


def _against(what: Found, part: Part) -> Finding:
    return Finding(what, Weight.AGAINST, part)


def _doubt(what: Found, part: Part) -> Finding:
    return Finding(what, Weight.DOUBT, part)


def _eligible(quote: Quote) -> Iterator[Finding]:
    if not quote.eligible:
        yield _against(Found.INELIGIBLE, Part.NEW_CAR)


def _new_car(filing: Filing) -> Iterator[Finding]:
    new = filing.bought
    if identifiers.vin(new.vin).doubtful:
        yield _doubt(Found.NEW_VIN_DIGIT, Part.NEW_CAR)
    # Eight signs are a new-energy plate; temporary plates don't pass as plates at all.
    if (new.energy is Energy.NEV) != (len(new.plate) == 8):
        yield _doubt(Found.PLATE_KIND, Part.NEW_CAR)
    if max(new.invoiced_on, new.registered_on) > filing.on:
        yield _against(Found.IN_FUTURE, Part.NEW_CAR)
    if new.registered_on < new.invoiced_on:
        yield _doubt(Found.OUT_OF_ORDER, Part.NEW_CAR)


def _old_car(filing: Filing) -> Iterator[Finding]:
    old = filing.given_up
    if old is None:
        return
    if filing.bought.vin == old.vin:
        yield _against(Found.SAME_CAR, Part.OLD_CAR)
    if identifiers.vin(old.vin).doubtful:
        yield _doubt(Found.OLD_VIN_DIGIT, Part.OLD_CAR)
    if filing.old_subsidised:
        yield _doubt(Found.OLD_CAR_SUBSIDISED, Part.OLD_CAR)
    if max(old.parted_on, old.closed_on) > filing.on:
        yield _against(Found.IN_FUTURE, Part.OLD_CAR)
    if not old.registered_on <= old.owned_since <= old.parted_on <= old.closed_on:
        yield _doubt(Found.OUT_OF_ORDER, Part.OLD_CAR)


def _money(filing: Filing) -> Iterator[Finding]:
    price, tax = filing.bought.price, filing.bought.tax
    if tax >= price:
        yield _against(Found.TAX_OVER_PRICE, Part.NEW_CAR)
        return
    usual = [(price - tax).share(rate, Rounding.DOWN) for rate in _TAX_RATES]
    if all(abs(tax.fen - one.fen) > _TAX_SLACK.fen for one in usual):
        yield _doubt(Found.TAX_UNUSUAL, Part.NEW_CAR)


def _names(filing: Filing) -> Iterator[Finding]:
    if not same_name(filing.bought.buyer, filing.name):
        yield _doubt(Found.BUYER_DIFFERS, Part.NEW_CAR)
    if filing.given_up and not same_name(filing.given_up.owner, filing.name):
        yield _doubt(Found.OWNER_DIFFERS, Part.OLD_CAR)
    if not same_name(filing.card.holder, filing.name):
        yield _doubt(Found.HOLDER_DIFFERS, Part.CARD)
    if identifiers.card(filing.card.number).doubtful:
        yield _doubt(Found.CARD_DIGIT, Part.CARD)


def _windows(filing: Filing, policy: Policy) -> Iterator[Finding]:
    # The invoice's day is within: the policy was found by it.
    days = [(filing.bought.registered_on, Found.REGISTRATION_OUTSIDE, Part.NEW_CAR)]
    if filing.given_up is not None:
        days.append((filing.given_up.parted_on, Found.PARTING_OUTSIDE, Part.OLD_CAR))
    for day, what, part in days:
        if not policy.first <= day <= policy.last:
            yield _against(what, part)
    if policy.file_by is not None and filing.on > policy.file_by:
        yield _against(Found.FILED_LATE, Part.NEW_CAR)


def _vehicle(filing: Filing, policy: Policy) -> Iterator[Finding]:
    new, rule = filing.bought, policy.car
    if rule is None:
        return
    if new.vehicle is Vehicle.OTHER or new.seats > rule.seats_most:
        yield _against(Found.VEHICLE_EXCLUDED, Part.NEW_CAR)
    if rule.catalogue and new.energy is Energy.NEV and not new.listed:
        yield _against(Found.NOT_IN_CATALOGUE, Part.NEW_CAR)
    if rule.same_province and _PROVINCES[new.plate[0]] != new.area[:2]:
        yield _against(Found.OTHER_PROVINCE, Part.NEW_CAR)

"""What a programme file must hold as a whole: its parts agree with each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from voucher_service.infra.data_files import DataFileInvalid

from .fields import Field
from .model import WHOLE_BPS, Assumed, Campaign, Programme, Vouchers

MINUTES_OF_DAY = 24 * 60


def check(programme: Programme) -> None:
    """Raises DataFileInvalid, naming the key, when two parts of the file contradict each other."""
    assumed, vouchers = programme.assumed, programme.vouchers
    if programme.closes_on < programme.opens_on:
        raise DataFileInvalid("programme.closes_on", "lies before opens_on")
    if vouchers is None and not programme.trade_in:
        raise DataFileInvalid("published", "or a field of trade_in is needed")
    _whole("areas.value", (area.share_bps for area in assumed.areas))
    _whole("sizes.value", (size.share_bps for size in assumed.sizes))
    _distinct("areas", "code", (area.code for area in assumed.areas))
    _distinct("funders", "slug", (funder.slug for funder in assumed.funders))
    _distinct("trades", "code", (trade.code for trade in assumed.trades))
    _distinct("sizes", "code", (size.code for size in assumed.sizes))
    _shops(assumed)
    if vouchers is not None:
        _vouchers(programme, vouchers)
    for place, field in enumerate(programme.trade_in):
        _field(programme, field, f"trade_in[{place}]")


def _vouchers(programme: Programme, vouchers: Vouchers) -> None:
    _published(vouchers)
    _whole("campaigns.value", (campaign.share_bps for campaign in vouchers.campaigns))
    _distinct("campaigns", "slug", (campaign.slug for campaign in vouchers.campaigns))
    _funders(programme.assumed)
    _denominations(vouchers)
    _delays(vouchers)
    for place, campaign in enumerate(vouchers.campaigns):
        _campaign(programme, vouchers, campaign, f"campaigns.value[{place}]")


def _field(programme: Programme, field: Field, key: str) -> None:
    if not programme.opens_on <= field.opens_on <= field.closes_on <= programme.closes_on:
        raise DataFileInvalid(f"{key}.opens_on", "lies outside the programme or after closes_on")
    funders = {funder.slug for funder in programme.assumed.funders}
    for slug, _ in field.shares:
        if slug not in funders:
            raise DataFileInvalid(f"{key}.funders", f"{slug!r} is no funder of this file")
    if field.trade is not None and field.trade not in {t.code for t in programme.assumed.trades}:
        raise DataFileInvalid(f"{key}.trade", f"{field.trade!r} is no trade of this file")


def _require(true: bool, key: str, reason: str) -> None:  # noqa: FBT001 - read like an assertion
    if not true:
        raise DataFileInvalid(f"assumptions.{key}", reason)


def _published(vouchers: Vouchers) -> None:
    published = vouchers.published
    for key in ("issued_fen", "leveraged_fen"):
        if getattr(published, key) % published.precision_fen:
            reason = f"is finer than precision_fen = {published.precision_fen:,}"
            raise DataFileInvalid(f"published.{key}", reason)
    if published.issued_fen % vouchers.divisor_fen:
        reason = f"is no multiple of {vouchers.divisor_fen:,} fen, the common divisor of the faces"
        raise DataFileInvalid("published.issued_fen", reason)


def _whole(key: str, shares: Iterable[int]) -> None:
    total = sum(shares)
    reason = f"share_bps add up to {total:,}; {WHOLE_BPS:,} is needed"
    _require(total == WHOLE_BPS, key, reason)


def _distinct(name: str, key: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for place, value in enumerate(values):
        _require(value not in seen, f"{name}.value[{place}].{key}", f"{value!r} stands there twice")
        seen.add(value)


def _funders(assumed: Assumed) -> None:
    counties = {area.code for area in assumed.areas}
    paying = [funder.area for funder in assumed.funders]
    _require(
        counties < set(paying) and len(paying) == len(counties) + 1,
        "funders.value",
        "one funder for each area and one for the city are needed",
    )


def _denominations(vouchers: Vouchers) -> None:
    divisor_fen = vouchers.divisor_fen
    for mix, denominations in vouchers.denominations.items():
        key = f"denominations.value.{mix}"
        faces = [each.face_fen for each in denominations]
        _whole(key, (each.share_bps for each in denominations))
        _require(len(set(faces)) == len(faces), key, "a face stands there twice")
        _require(
            divisor_fen in faces,
            key,
            f"a face of {divisor_fen:,} fen is needed, the common divisor of all faces",
        )
        for place, each in enumerate(denominations):
            _require(
                each.face_fen * WHOLE_BPS <= each.threshold_fen * vouchers.discount_cap_bps,
                f"{key}[{place}].face_fen",
                f"is more than {vouchers.discount_cap_bps / 100:g} % of the threshold",
            )


def _delays(vouchers: Vouchers) -> None:
    claims = vouchers.claims
    ends = [until_minutes for until_minutes, _ in claims.delays]
    _require(ends == sorted(set(ends)), "claims.value.delays", "until_minutes must rise")
    opens = claims.opens_at.hour * 60 + claims.opens_at.minute
    _require(
        opens + ends[-1] + vouchers.redemption_times.least_minutes <= MINUTES_OF_DAY,
        f"claims.value.delays[{len(ends) - 1}].until_minutes",
        "claims must end, and least_minutes pass, on the day their release opens",
    )


def _shops(assumed: Assumed) -> None:
    counties = {area.code for area in assumed.areas}
    for place, trade in enumerate(assumed.trades):
        _require(
            set(trade.shops) == counties,
            f"trades.value[{place}].shops",
            "a count for each area is needed",
        )


def _campaign(programme: Programme, vouchers: Vouchers, campaign: Campaign, key: str) -> None:
    assumed = programme.assumed
    _require(
        campaign.area is None or campaign.area in {area.code for area in assumed.areas},
        f"{key}.area",
        f"{campaign.area!r} is no area of this file",
    )
    _require(
        campaign.denominations in vouchers.denominations,
        f"{key}.denominations",
        f"{campaign.denominations!r} is no mix of denominations",
    )
    trades = {trade.code: trade for trade in assumed.trades}
    for code in campaign.trades:
        _require(code in trades, f"{key}.trades", f"{code!r} is no trade of this file")
    for each in vouchers.denominations[campaign.denominations]:
        _require(
            any(trades[c].least_threshold_fen <= each.threshold_fen for c in campaign.trades),
            f"{key}.trades",
            f"none takes a threshold of {each.threshold_fen:,} fen",
        )
    opens = programme.opens_on <= campaign.opens_on <= campaign.closes_on
    _require(opens, f"{key}.opens_on", "lies outside the programme or after closes_on")
    last = campaign.closes_on + timedelta(days=campaign.valid_days - 1)
    _require(
        last <= programme.closes_on,
        f"{key}.valid_days",
        f"vouchers would be redeemed until {last}, after the programme's end",
    )

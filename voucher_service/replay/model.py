"""A published programme and its reading: what is printed, what is assumed and why, as frozen data.

Money is whole fen; rates and shares are basis points (10,000 is the whole); days are days in
Asia/Shanghai, both ends included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from voucher_service.budgets.model import Level
from voucher_service.infra.data_files import Text

from .fields import Field

WHOLE_BPS = 10_000


class Output(StrEnum):
    """What a replay prints. An assumption's `moves` names those it decides."""

    ISSUED = "issued"
    LEVERAGED = "leveraged"
    RATIO_ON_ISSUED = "ratio_on_issued"
    REDEEMED = "redeemed"
    RATIO_ON_REDEEMED = "ratio_on_redeemed"
    FLOOR_ON_ISSUED = "floor_on_issued"
    FLOOR_ON_REDEEMED = "floor_on_redeemed"
    VOUCHERS = "vouchers"
    REDEMPTIONS = "redemptions"
    ORDERS = "orders"
    RESIDENTS = "residents"
    SHOPS = "shops"
    BY_CAMPAIGN = "by_campaign"
    BY_AREA = "by_area"
    BY_TRADE = "by_trade"
    BY_DAY = "by_day"
    BY_FUNDER = "by_funder"
    BY_MERCHANT_SIZE = "by_merchant_size"
    TRADE_IN = "trade_in"


class Origin(StrEnum):
    """Where a figure comes from."""

    PUBLISHED = "published"
    ASSUMED = "assumed"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Published:
    """The two totals a bureau printed, how exactly, and the sentence they stand in."""

    issued_fen: int
    leveraged_fen: int
    precision_fen: int
    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """The reason for one assumption and the outputs it decides."""

    name: str
    why: Text
    moves: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Denomination:
    """A face value with its threshold, and its share of the value that a campaign issues."""

    face_fen: int
    threshold_fen: int
    share_bps: int


@dataclass(frozen=True, slots=True)
class OrderRange:
    """Where orders lie, as rates of the threshold; endings as (multiple of fen, weight)."""

    least_bps: int
    most_bps: int
    endings: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Funder:
    """Who pays, by the code of its division."""

    slug: str
    level: Level
    area: str
    name: Text


@dataclass(frozen=True, slots=True)
class Area:
    """A county: its share of city-wide campaigns and its synthetic residents at scale 1."""

    code: str
    name: Text
    share_bps: int
    residents: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """One action. `area` None is city-wide: issued in every county. Days include both ends.

    A release opens every `every_days`; the city pays `city_share_bps`, the county the rest.
    """

    slug: str
    area: str | None
    name: Text
    opens_on: date
    closes_on: date
    every_days: int
    valid_days: int
    share_bps: int
    city_share_bps: int
    denominations: str
    trades: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """When releases open, how many of one offer a resident may claim, and how fast they go.

    `delays` are (minutes after the opening, weight of the part that ends there), rising.
    """

    opens_at: time
    per_resident_limit: int
    delays: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RedemptionTimes:
    """How long vouchers wait: weights of equal parts of the validity."""

    least_minutes: int
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade: the lowest threshold it takes, its custom, its hours and its shops by area."""

    code: str
    least_threshold_fen: int
    weight: int
    hours: tuple[int, ...]
    shops: Mapping[str, int]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """A class of merchants: its share, the most shops one has, and the custom of one shop."""

    code: str
    share_bps: int
    shops: int
    weight: int


@dataclass(frozen=True, slots=True)
class Vouchers:
    """The vouchers of a programme: what was printed, and what is ours. `denominations` are mixes
    by name.

    `reading` says how the words issued, leveraged and period are understood; `redemption_bps` is
    the share of claimed vouchers that is redeemed; `discount_cap_bps` the most a face may be of its
    threshold.
    """

    published: Published
    reading: Mapping[str, Text]
    discount_cap_bps: int
    denominations: Mapping[str, tuple[Denomination, ...]]
    redemption_bps: int
    orders: OrderRange
    campaigns: tuple[Campaign, ...]
    claims: Claims
    redemption_times: RedemptionTimes

    @property
    def divisor_fen(self) -> int:
        """The faces' common divisor: whatever is issued is a multiple of it."""
        return math.gcd(*(each.face_fen for mix in self.denominations.values() for each in mix))


@dataclass(frozen=True, slots=True)
class Assumed:
    """The city as we take it to be: who pays, where, and the shops. The last two are parts of
    shops' names.
    """

    funders: tuple[Funder, ...]
    areas: tuple[Area, ...]
    trades: tuple[Trade, ...]
    sizes: tuple[Size, ...]
    name_heads: tuple[str, ...]
    branches: tuple[str, ...]

    @property
    def city(self) -> Funder:
        """The city's own treasury."""
        return next(funder for funder in self.funders if funder.level is Level.CITY)

    def county(self, area: str) -> Funder:
        """The treasury of a county."""
        return next(funder for funder in self.funders if funder.area == area)

    def funder(self, slug: str) -> Funder:
        """The funder of that name."""
        return next(funder for funder in self.funders if funder.slug == slug)

    def areas_of(self, campaign: Campaign) -> tuple[Area, ...]:
        """Where a campaign issues: its own county, or every one."""
        return tuple(area for area in self.areas if campaign.area in (None, area.code))


@dataclass(frozen=True, slots=True)
class Programme:
    """A whole programme file, checked. `file_hash` is the SHA-256 of its bytes.

    It has vouchers, fields of trade-in, or both.
    """

    slug: str
    name: Text
    brand: Text
    opens_on: date
    closes_on: date
    vouchers: Vouchers | None
    trade_in: tuple[Field, ...]
    assumed: Assumed
    assumptions: tuple[Assumption, ...]
    file_hash: str

    def moved_by(self, output: Output) -> tuple[str, ...]:
        """The names of the assumptions that decide an output."""
        return tuple(each.name for each in self.assumptions if output in each.moves)

    def origin(self, output: Output) -> Origin:
        """Whether an output is published, rests on an assumption, or is computed from the rest."""
        if output in (Output.ISSUED, Output.LEVERAGED):
            return Origin.PUBLISHED
        return Origin.ASSUMED if self.moved_by(output) else Origin.COMPUTED

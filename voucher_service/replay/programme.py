"""Reads a programme file into the model. Errors name the key that is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from voucher_service.budgets.model import Level
from voucher_service.infra import data_files
from voucher_service.infra.data_files import DataFileInvalid as ProgrammeInvalid
from voucher_service.infra.data_files import Table, Text

from .consistency import check
from .fields import field as _field
from .model import (
    WHOLE_BPS,
    Area,
    Assumed,
    Assumption,
    Campaign,
    Claims,
    Denomination,
    Funder,
    OrderRange,
    Output,
    Programme,
    Published,
    RedemptionTimes,
    Size,
    Trade,
    Vouchers,
)

__all__ = ["Programme", "ProgrammeInvalid", "load"]

T = TypeVar("T")
_CITY_SUFFIX = "00"


def load(path: Path) -> Programme:
    """Read and check a programme file. Raises ProgrammeInvalid, naming the key; OSError."""
    content = path.read_bytes()
    root = data_files.read(path.name, content)
    programme = _programme(root, hashlib.sha256(content).hexdigest())
    root.done()
    check(programme)
    return programme


def _programme(root: Table, file_hash: str) -> Programme:
    published = root.part("published", _published) if root.has("published") else None
    reading = root.part("reading", _reading) if published else {}
    fields = root.rows("trade_in", _field) if root.has("trade_in") else ()

    def read(table: Table) -> tuple[Vouchers | None, Assumed, tuple[Assumption, ...]]:
        walk = _Assumptions(table)
        vouchers = walk.vouchers(published, reading) if published else None
        return vouchers, walk.assumed(), tuple(walk.reasons)

    vouchers, assumed, assumptions = root.part("assumptions", read)
    told = tuple(Assumption(f"trade_in.{f.slug}", f.why, (Output.TRADE_IN,)) for f in fields)

    def programme(head: Table) -> Programme:
        return Programme(
            slug=head.word("slug"),
            name=head.text("name"),
            brand=head.text("brand"),
            opens_on=head.day("opens_on"),
            closes_on=head.day("closes_on"),
            vouchers=vouchers,
            trade_in=fields,
            assumed=assumed,
            assumptions=assumptions + told,
            file_hash=file_hash,
        )

    return root.part("programme", programme)


def _reading(table: Table) -> dict[str, Text]:
    return {key: table.text(key) for key in ("issued", "leveraged", "period")}


def _published(table: Table) -> Published:
    return Published(
        issued_fen=table.whole("issued_fen", 1),
        leveraged_fen=table.whole("leveraged_fen", 1),
        precision_fen=table.whole("precision_fen", 1),
        source=table.word("source"),
        sentence=table.word("sentence"),
    )


class _Assumptions:
    """One walk through the assumptions: their values, and their reasons noted on the way."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.reasons: list[Assumption] = []

    def vouchers(self, published: Published, reading: dict[str, Text]) -> Vouchers:
        """What only vouchers need."""
        return Vouchers(
            published=published,
            reading=reading,
            discount_cap_bps=self.rate("discount_cap"),
            denominations=self.part("denominations", _denominations),
            redemption_bps=self.rate("redemption_rate"),
            orders=self.part("order_range", _orders),
            campaigns=self.rows("campaigns", _campaign),
            claims=self.part("claims", _claims),
            redemption_times=self.part("redemption_times", _redemption_times),
        )

    def assumed(self) -> Assumed:
        """The city as it is taken to be."""
        names = self.part("names", lambda each: (each.words("heads"), each.words("branches")))
        return Assumed(
            funders=self.rows("funders", _funder),
            areas=self.rows("areas", _area),
            trades=self.rows("trades", _trade),
            sizes=self.rows("sizes", _size),
            name_heads=names[0],
            branches=names[1],
        )

    def rate(self, name: str) -> int:
        """An assumption that is one rate above 0."""
        return self.value(name, lambda table: table.whole("value", 1, WHOLE_BPS))

    def part(self, name: str, make: Callable[[Table], T]) -> T:
        """An assumption that is a table."""
        return self.value(name, lambda table: table.part("value", make))

    def rows(self, name: str, make: Callable[[Table], T]) -> tuple[T, ...]:
        """An assumption that is a list of tables."""
        return self.value(name, lambda table: table.rows("value", make))

    def value(self, name: str, read: Callable[[Table], T]) -> T:
        """One assumption's value; its reason is noted."""

        def make(table: Table) -> T:
            moves = table.words("moves")
            for output in moves:
                if output not in set(Output):
                    raise ProgrammeInvalid(table.key("moves"), f"{output!r} is no output")
            self.reasons.append(Assumption(name, table.text("why"), tuple(map(Output, moves))))
            return read(table)

        return self.table.part(name, make)


def _denominations(table: Table) -> dict[str, tuple[Denomination, ...]]:
    return {mix: table.rows(mix, _denomination) for mix in table.left}


def _denomination(table: Table) -> Denomination:
    return Denomination(
        face_fen=table.whole("face_fen", 1),
        threshold_fen=table.whole("threshold_fen", 1),
        share_bps=table.whole("share_bps", 1, WHOLE_BPS),
    )


def _orders(table: Table) -> OrderRange:
    least_bps = table.whole("least_bps", WHOLE_BPS)  # below the threshold no voucher is taken
    return OrderRange(
        least_bps=least_bps,
        most_bps=table.whole("most_bps", least_bps),
        endings=table.rows(
            "endings", lambda row: (row.whole("grain_fen", 1), row.whole("weight", 1))
        ),
    )


def _funder(table: Table) -> Funder:
    slug, area = table.word("slug"), table.word("area")
    level = Level.CITY if area.endswith(_CITY_SUFFIX) else Level.COUNTY
    if table.has("level"):
        word = table.word("level")
        if word not in set(Level):
            raise ProgrammeInvalid(table.key("level"), f"{word!r} is no level of funders")
        level = Level(word)
    return Funder(slug, level, area, table.text("name"))


def _area(table: Table) -> Area:
    return Area(
        code=table.word("code"),
        name=table.text("name"),
        share_bps=table.whole("share_bps", 1, WHOLE_BPS),
        residents=table.whole("residents", 1),
    )


def _campaign(table: Table) -> Campaign:
    return Campaign(
        slug=table.word("slug"),
        area=table.word("area") if "area" in table.left else None,
        name=table.text("name"),
        opens_on=table.day("opens_on"),
        closes_on=table.day("closes_on"),
        every_days=table.whole("every_days", 1),
        valid_days=table.whole("valid_days", 2),  # a claim late in the day leaves the next one
        share_bps=table.whole("share_bps", 1, WHOLE_BPS),
        city_share_bps=table.whole("city_share_bps", 0, WHOLE_BPS),
        denominations=table.word("denominations"),
        trades=table.words("trades"),
    )


def _claims(table: Table) -> Claims:
    return Claims(
        opens_at=table.time("opens_at"),
        per_resident_limit=table.whole("per_resident_limit", 1),
        delays=table.rows(
            "delays", lambda row: (row.whole("until_minutes", 1), row.whole("weight", 1))
        ),
    )


def _redemption_times(table: Table) -> RedemptionTimes:
    return RedemptionTimes(table.whole("least_minutes", 1), table.weights("parts"))


def _trade(table: Table) -> Trade:
    return Trade(
        code=table.word("code"),
        least_threshold_fen=table.whole("least_threshold_fen", 0),
        weight=table.whole("weight", 1),
        hours=table.weights("hours", 24),
        shops=table.part(
            "shops", lambda shops: {code: shops.whole(code, 1) for code in shops.left}
        ),
        names=table.words("names"),
    )


def _size(table: Table) -> Size:
    return Size(
        code=table.word("code"),
        share_bps=table.whole("share_bps", 1, WHOLE_BPS),
        shops=table.whole("shops", 1),
        weight=table.whole("weight", 1),
    )

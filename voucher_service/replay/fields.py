"""A field of trade-in (cars, phones, appliances) as a programme file has it, as frozen data.

Money is whole fen; rates and shares are basis points (10,000 is the whole); days are days in
Asia/Shanghai, both ends included; engines are millilitres.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from voucher_service.infra.data_files import DataFileInvalid, Table, Text
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Category, Energy, Policy, Share
from voucher_service.tradein.qualifications import AT_THE_TILL

WHOLE_BPS = 10_000


class Total(StrEnum):
    """A figure of a field: counted, or summed up. Each is published, or assumed in the file."""

    UNITS = "units"
    SUBSIDY = "subsidy"
    TURNOVER = "turnover"


@dataclass(frozen=True, slots=True)
class Goods:
    """What is bought in a field: its share of the units, and what it costs, both ends allowed.

    `energy` and `engine_ml` are a car's, `grade` an appliance's.
    """

    category: Category
    brand: str
    model: str
    least_fen: int
    most_fen: int
    share_bps: int
    grade: int | None = None
    energy: Energy | None = None
    engine_ml: int | None = None


@dataclass(frozen=True, slots=True)
class Payers:
    """What others take off beside the government, as rates of the price.

    The merchant's is off before the price is, the bank's after the subsidy, at most `bank_most_fen`
    an order. `delivered_bps`: how many of the orders got it; all were promised it.
    """

    merchant_bps: int = 0
    bank_bps: int = 0
    bank_most_fen: int = 0
    delivered_bps: int = WHOLE_BPS


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what was sold or paid in it, under which policy, who paid and what it was.

    One of `turnover_fen` and `subsidy_fen` is to be met, the other one follows from the policy.
    `published` are the figures that the source prints; the others are assumed, which `why` tells.
    `shares` are funders by name. `trade` is of the shops that sell it; `valid_days` of the
    qualifications; a car's applications have neither, but a `plate` that begins with two letters.
    """

    slug: str
    name: Text
    why: Text
    policy: Policy
    opens_on: date
    closes_on: date
    units: int
    turnover_fen: int | None
    subsidy_fen: int | None
    published: frozenset[Total]
    sentence: str
    shares: tuple[tuple[str, int], ...]
    goods: tuple[Goods, ...]
    payers: Payers
    trade: str | None
    valid_days: int
    plate: str

    @property
    def at_the_till(self) -> bool:
        """Whether it is sold at tills; otherwise it is applied for."""
        return self.policy.scheme in AT_THE_TILL


def field(table: Table) -> Field:
    """Read a field. Raises DataFileInvalid, naming the key."""
    found = Field(
        slug=table.word("slug"),
        name=table.text("name"),
        why=table.text("why"),
        policy=_policy(table),
        opens_on=table.day("opens_on"),
        closes_on=table.day("closes_on"),
        units=table.whole("units", 1),
        turnover_fen=table.whole("turnover_fen", 1) if table.has("turnover_fen") else None,
        subsidy_fen=table.whole("subsidy_fen", 1) if table.has("subsidy_fen") else None,
        published=_published(table),
        sentence=table.word("sentence") if table.has("sentence") else "",
        shares=table.rows("funders", lambda row: (row.word("slug"), _share(row))),
        goods=table.rows("goods", _goods),
        payers=table.part("payers", _payers) if table.has("payers") else Payers(),
        trade=table.word("trade") if table.has("trade") else None,
        valid_days=table.whole("valid_days", 2) if table.has("valid_days") else 2,
        plate=table.word("plate") if table.has("plate") else "",
    )
    _check(table, found)
    return found


def _policy(table: Table) -> Policy:
    name = table.word("policy")
    try:
        return shelf.policy(name)
    except KeyError:
        raise DataFileInvalid(table.key("policy"), f"there is no policy {name}") from None


def _published(table: Table) -> frozenset[Total]:
    if not table.has("published"):
        return frozenset()
    words = table.words("published")
    if strange := set(words) - set(Total):
        raise DataFileInvalid(table.key("published"), f"no figure: {', '.join(sorted(strange))}")
    return frozenset(map(Total, words))


def _share(row: Table) -> int:
    return row.whole("share_bps", 1, WHOLE_BPS)


def _goods(row: Table) -> Goods:
    least_fen = row.whole("least_fen", 1)
    return Goods(
        category=_category(row),
        brand=row.word("brand") if row.has("brand") else "",
        model=row.word("model") if row.has("model") else "",
        least_fen=least_fen,
        most_fen=row.whole("most_fen", least_fen),
        share_bps=_share(row),
        grade=row.whole("grade", 1, 5) if row.has("grade") else None,
        energy=_energy(row) if row.has("energy") else None,
        engine_ml=row.whole("engine_ml", 1) if row.has("engine_ml") else None,
    )


def _category(row: Table) -> Category:
    word = row.word("category")
    if word not in set(Category):
        raise DataFileInvalid(row.key("category"), f"{word!r} is no category")
    return Category(word)


def _energy(row: Table) -> Energy:
    word = row.word("energy")
    if word not in set(Energy):
        raise DataFileInvalid(row.key("energy"), f"{word!r} is none of {', '.join(Energy)}")
    return Energy(word)


def _payers(table: Table) -> Payers:
    return Payers(
        merchant_bps=table.whole("merchant_bps", 0, WHOLE_BPS - 1),
        bank_bps=table.whole("bank_bps", 0, WHOLE_BPS),
        bank_most_fen=table.whole("bank_most_fen", 0),
        delivered_bps=table.whole("delivered_bps", 0, WHOLE_BPS),
    )


def _check(table: Table, found: Field) -> None:
    policy = found.policy
    if not policy.first <= found.opens_on <= found.closes_on <= policy.last:
        reason = f"the policy is in force {policy.first}–{policy.last}"
        raise DataFileInvalid(table.key("opens_on"), reason)
    if (found.turnover_fen is None) == (found.subsidy_fen is None):
        raise DataFileInvalid(table.key("turnover_fen"), "either this or subsidy_fen is needed")
    shared = any(isinstance(rule.amount, Share) for rule in policy.rules)
    if found.subsidy_fen is not None and shared:
        raise DataFileInvalid(table.key("subsidy_fen"), "can be met with fixed sums alone")
    for key, shares in (
        ("funders", [bps for _, bps in found.shares]),
        ("goods", [one.share_bps for one in found.goods]),
    ):
        if sum(shares) != WHOLE_BPS:
            raise DataFileInvalid(table.key(key), f"share_bps add up to {sum(shares):,}")
    if found.at_the_till and (found.trade is None or not all(one.brand for one in found.goods)):
        raise DataFileInvalid(table.key("trade"), "a till sells goods with a brand in a trade")

"""Many persons behind one card, phone, device, account or address; one shop's people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from ..facts import Facts, Link, SaleFacts
from ..findings import Finding, Kind, Weight
from ..ties import LINKS, Near, Tie

# From how many persons on a link is worth a look. Families share phones and pay with one card,
# dormitories share addresses, service windows devices; a subsidy is paid to one's own account.
_PERSONS = {
    Link.CARD: ((8, 60), (6, 40), (4, 15), (3, 8)),
    Link.ACCOUNT: ((3, 60), (2, 40)),
    Link.DEVICE: ((15, 12), (8, 8), (5, 4)),
    Link.PHONE: ((12, 50), (7, 30), (5, 10)),
    Link.ADDRESS: ((40, 12), (20, 8), (10, 4)),
}
_CIRCLE_LEAST = 4
_ONE_UNIT_OF_A_KIND = 4
_RECENT = timedelta(days=60)
_NIGHT_LEAST = 8


def signals(facts: Facts, near: Near) -> Iterator[Finding]:
    """Everything about who else is there."""
    for link in facts.links:
        sharing = _sharing(facts, link, near)
        yield from _shared(facts, link, sharing)
        if isinstance(facts, SaleFacts):
            yield from _circle(facts, link, sharing)
            yield from _household(facts, link, sharing)
    if isinstance(facts, SaleFacts):
        yield from _own(facts, near)
        yield from _night(near)


def _sharing(facts: Facts, link: Link, near: Near) -> list[Facts]:
    found = near.all(LINKS[link])
    return [one for one in found if one.links.get(link) == facts.links[link]]


def _shared(facts: Facts, link: Link, sharing: list[Facts]) -> Iterator[Finding]:
    others = [one for one in sharing if one.resident != facts.resident]
    persons = len({one.resident for one in others}) + 1
    for least, weight in _PERSONS[link]:
        if persons >= least:
            told: dict[str, str | int] = {"link": str(link), "persons": persons}
            yield Finding(Kind.SHARED_LINK, Weight(weight), tuple(one.id for one in others), told)
            break


def _circle(sale: SaleFacts, link: Link, sharing: list[Facts]) -> Iterator[Finding]:
    """Money that goes round: one card, account, phone or device buys for many at one merchant."""
    if link is Link.ADDRESS:
        return
    sales = [one for one in sharing if isinstance(one, SaleFacts)]
    here = [one for one in sales if one.merchant == sale.merchant]
    persons = len({sale.resident, *(one.resident for one in here)})
    least = _PERSONS[link][-1][0]
    if persons >= max(_CIRCLE_LEAST, least) and 4 * len(here) >= 3 * len(sales):
        told: dict[str, str | int] = {"link": str(link), "persons": persons}
        yield Finding(Kind.CIRCULAR, Weight(45), tuple(one.id for one in here), told)


def _household(sale: SaleFacts, link: Link, sharing: list[Facts]) -> Iterator[Finding]:
    """More of one kind on one phone or address, within two months, than a household needs."""
    if link not in (Link.ADDRESS, Link.PHONE):
        return
    same = [
        one
        for one in sharing
        if isinstance(one, SaleFacts)
        and one.category is sale.category
        and timedelta() <= sale.at - one.at <= _RECENT
    ]
    merchants = Counter(one.merchant for one in same)
    if merchants[sale.merchant] >= _ONE_UNIT_OF_A_KIND:
        told: dict[str, str | int] = {"count": merchants[sale.merchant] + 1, "link": str(link)}
        others = tuple(one.id for one in same if one.merchant == sale.merchant)
        yield Finding(Kind.BEYOND_HOUSEHOLD, Weight(25), others, told)


def _own(sale: SaleFacts, near: Near) -> Iterator[Finding]:
    if sale.own:
        others = [one for one in near.sales(Tie.OWN) if abs(sale.at - one.at) <= _RECENT / 2]
        persons = len({sale.resident, *(one.resident for one in others)})
        told: dict[str, str | int] = {"persons": persons}
        weight = Weight(min(5 + 8 * persons, 50))
        yield Finding(Kind.OWN_PEOPLE, weight, tuple(one.id for one in others), told)


def _night(near: Near) -> Iterator[Finding]:
    """Shops on the net sell at midnight too, when an hour of qualifications begins."""
    others = near.sales(Tie.NIGHT)
    if len(others) + 1 >= _NIGHT_LEAST:
        told: dict[str, str | int] = {"count": len(others) + 1}
        weight = Weight(min(8 + len(others), 30))
        yield Finding(Kind.NIGHT_BURST, weight, tuple(one.id for one in others), told)

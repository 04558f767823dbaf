"""The facts of sales and applications that stand, from those who keep them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.goods import pricing
from voucher_service.goods import service as goods
from voucher_service.infra import files
from voucher_service.infra.core import core_of
from voucher_service.infra.secrets import CipherTextDamaged
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import MerchantId, RedemptionId, ResidentId, ShopId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.place import Position, PositionInvalid, position

from .. import identifiers, shelf
from ..applications.service import examining
from ..applications.service.examining import Examined
from ..policy import Policy
from ..qualifications import QualificationId
from ..review import papers
from ..review.model import Proof, ProofKind
from ..sales import service as sales
from ..sales.arrivals import bought_by, sold
from ..sales.model import Sale, SaleStatus
from ..sales.tracing import hashed
from ..service import reading as qualifications
from . import likeness, store
from .facts import ApplicationFacts, Facts, Link, Photo, SaleFacts, Subject

# What shows a thing or a place. Forms and screens look alike by themselves.
_THINGS = frozenset({ProofKind.UNBOXING, ProofKind.NAMEPLATE, ProofKind.HANDOVER})


def facts(session: Session, kind: Subject, ids: Collection[UUID]) -> dict[UUID, Facts]:
    """Those of these subjects that stand, by id."""
    if not ids:
        return {}
    read = _sales if kind is Subject.SALE else _applications
    return {one.id: one for one in read(session, ids)}


def unread_pictures(session: Session, kind: Subject, ids: Collection[UUID]) -> list[UUID]:
    """The photos of things of these subjects whose greys were not read yet."""
    if kind is not Subject.SALE:
        return []
    proofs = papers.papers(session, sales=ids)
    things = {one.file_id for every in proofs.values() for one in every if _thing(one)}
    return sorted(things - store.pictures(session, things).keys())


def read_picture(session: Session, file: UUID) -> None:
    """Read the greys of one kept picture; one that was deleted meanwhile is left out.

    A damaged one must not keep all others from being judged: it has no greys.
    """
    try:
        content = files.get(session, file=file)
        tiny = likeness.tiny(content.data) if content is not None else None
    except (OSError, CipherTextDamaged):
        tiny = b""
    if tiny is not None:
        store.keep_picture(session, file, tiny)


def _sales(session: Session, ids: Collection[UUID]) -> Iterable[Facts]:
    found = sales.sales_of(session, ids=[RedemptionId(id) for id in ids])
    standing = [one for one in found.values() if one.status is not SaleStatus.UNDONE]
    proofs = papers.papers(session, sales=[one.id for one in standing])
    handed_in = {one.file_id for every in proofs.values() for one in every}
    tiny, hashes = store.pictures(session, handed_in), _sha256(session, handed_in)
    places = _places(session, {one.shop_id for one in standing})
    insiders = merchants.insiders(session, merchants={one.merchant_id for one in standing})
    devices = _devices(session, standing)
    guides, suspicions = _guide_prices(session, standing), _suspicions(session, standing)
    for one in standing:
        yield SaleFacts(
            id=one.id,
            at=one.occurred_at,
            resident=one.resident_id,
            merchant=one.merchant_id,
            shop=one.shop_id,
            category=one.category,
            gtin=one.gtin,
            brand=one.brand,
            serial=one.serial,
            price=one.price,
            imeis=tuple(imei for imei in (one.imei1, one.imei2) if imei),
            list_price=one.list_price,
            filed_price=one.filed_price,
            usual=guides.get((one.gtin, day_of(one.occurred_at))),
            raised=suspicions[one.id],
            ceiling=_ceiling(one),
            invoice=_invoice(proofs[one.id]),
            activated_on=one.activated_on,
            own=one.resident_id in insiders[MerchantId(one.merchant_id)],
            place=places[one.shop_id],
            photos=tuple(_photo(proof, hashes, tiny) for proof in proofs[one.id]),
            links={**one.links, **devices[one.qualification_id]},
        )


def _applications(session: Session, ids: Collection[UUID]) -> Iterable[Facts]:
    standing = examining.examined(session, ids=ids)
    hashes = _sha256(session, {file for one in standing for file in one.papers.values()})
    keyring = core_of(session).keyring
    for one in standing:
        policy = shelf.policy(one.policy_id)
        new = one.bought
        yield ApplicationFacts(
            id=one.id,
            at=one.submitted_at,
            resident=one.resident_id,
            scheme=one.scheme,
            new_vin=new.vin,
            old_vin=one.given_up.vin if one.given_up else None,
            energy=new.energy,
            vehicle=str(new.vehicle),
            seats=new.seats,
            engine_ml=new.engine_ml,
            listed=new.listed,
            large_plate=identifiers.large_plate(new.plate),
            photos=tuple(
                Photo(str(kind), hashes[file], thing=False) for kind, file in one.papers.items()
            ),
            links={Link.ACCOUNT: keyring.lookup("risk.account", one.card.number).digest.hex()},
            seats_most=policy.car.seats_most if policy.car else None,
            engine_most_ml=_engine_most(policy, one),
            catalogue=policy.car is not None and policy.car.catalogue,
        )


def _thing(proof: Proof) -> bool:
    return proof.picture and proof.kind in _THINGS


def _photo(proof: Proof, hashes: Mapping[UUID, str], tiny: Mapping[UUID, bytes]) -> Photo:
    return Photo(
        str(proof.kind),
        hashes[proof.file_id],
        _thing(proof),
        proof.likeness,
        tiny.get(proof.file_id) or None,
        proof.taken_at,
        _position(proof),
    )


def _position(proof: Proof) -> Position | None:
    """Where a camera said it was; nowhere, if that is outside the country."""
    try:
        return position(proof.latitude, proof.longitude)
    except PositionInvalid:
        return None


def _invoice(proofs: Iterable[Proof]) -> str | None:
    return next((one.number for one in proofs if one.kind is ProofKind.INVOICE), None)


def _sha256(session: Session, kept: Collection[UUID]) -> dict[UUID, str]:
    # They come in the order of the ids; a row that names a file keeps it from being deleted.
    return dict(zip(sorted(kept), files.fingerprints(session, files=kept), strict=True))


def _places(session: Session, shops: Collection[ShopId]) -> dict[ShopId, Position | None]:
    return {one: merchants.load_shop(session, shop=one).position for one in shops}


def _devices(session: Session, made: Collection[Sale]) -> dict[QualificationId, dict[Link, str]]:
    """The devices on which the qualifications of sales were claimed, hashed."""
    keyring = core_of(session).keyring
    claimed = qualifications.devices(session, qualifications={one.qualification_id for one in made})
    return {
        one.qualification_id: {Link.DEVICE: hashed(keyring, Link.DEVICE, device)}
        if (device := claimed.get(one.qualification_id))
        else {}
        for one in made
    }


def _guide_prices(session: Session, made: Collection[Sale]) -> dict[tuple[str, date], Money]:
    """Guide prices of products by the day of their sales."""
    by_day: dict[date, set[str]] = defaultdict(set)
    for one in made:
        by_day[day_of(one.occurred_at)].add(one.gtin)
    return {
        (gtin, day): product.guide_price
        for day, gtins in by_day.items()
        for gtin, product in goods.products(session, gtins=gtins, on=day).items()
        if product.guide_price is not None
    }


def _suspicions(
    session: Session, made: Collection[Sale]
) -> dict[RedemptionId, tuple[pricing.Finding, ...]]:
    """What the prices of sales are suspected of; neighbours ask for the same figures once."""
    rule = goods.rule(core_of(session))
    lows: dict[tuple[MerchantId, str, date], pricing.Lows] = {}
    found = {}
    for one in made:
        key = one.merchant_id, one.gtin, day_of(one.occurred_at)
        if key not in lows:
            merchant, gtin, on = key
            lows[key] = goods.lows(session, merchant=merchant, gtin=gtin, on=on, rule=rule)
        found[one.id] = pricing.suspicions(
            pricing.Asked(one.price, one.list_price), lows[key], rule
        )
    return found


def _ceiling(sale: Sale) -> Money | None:
    """The price up to which the policy pays for this category."""
    rules = (
        rule for rule in shelf.policy(sale.policy_id).rules if sale.category in rule.categories
    )
    return max((rule.price_most for rule in rules if rule.price_most), default=None)


def _engine_most(policy: Policy, one: Examined) -> int | None:
    rules = (rule for rule in policy.rules if one.bought.energy in rule.energies)
    return max((rule.engine_most_ml for rule in rules if rule.engine_most_ml), default=None)


def arrivals(
    session: Session,
    kind: Subject,
    *,
    since: datetime | None,
    after: tuple[datetime, UUID] | None,
    most: int,
) -> list[tuple[datetime, UUID]]:
    """Instant and id of subjects that came in from an instant on, oldest first; after a cursor."""
    if kind is Subject.SALE:
        return sold(session, since=since, after=after, most=most)
    return examining.handed_in(session, since=since, after=after, most=most)


def of_resident(session: Session, kind: Subject, resident: ResidentId) -> list[UUID]:
    """The ids of a resident's subjects, whatever became of them."""
    if kind is Subject.SALE:
        return bought_by(session, resident=resident)
    return examining.handed_in_by(session, resident=resident)

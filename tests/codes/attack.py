"""Live codes of a city, tampered with and read as the till reads them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

from sqlalchemy.orm import Session

from tests.codes.mutants import KINDS, Live, Stock
from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.vouchers import paper
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeExpired, CodeInvalid, Read
from voucher_service.vouchers.model import Voucher

_LOOKED_AT_ONCE = 5_000


@dataclass
class Outcome:
    """How many of each kind were refused how; `accepted` are the texts that were not refused."""

    refused: dict[str, Counter[str]] = field(default_factory=dict)
    same: Counter[str] = field(default_factory=Counter)
    accepted: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many codes that were tampered with were read."""
        return sum(one.total() for one in self.refused.values()) + len(self.accepted)


def stock(world: World, count: int) -> Stock:
    """That many vouchers on residents' screens, each printed twice, so that the first is void."""
    core = world.core
    offer = world.offer(replace(world.plan(quota=count, threshold=50, face=10), paper=True))
    held = [world.claim(offer, resident) for resident in world.residents(count)]
    secrets = replace(core.settings.secrets, code_keys=f"{core.keyring.code_key_id}:not ours")
    seconds = core.settings.till.code_window_seconds
    live = [_live(core, one) for one in held]
    return Stock(live, core.keyring, Keyring(secrets), seconds)


def attack(core: Core, stock: Stock, *, count: int, seed: int) -> Outcome:
    """Read that many tampered codes, as many of each kind. The core's clock stands still."""
    random, outcome = Random(seed), Outcome()
    good = {text for one in stock.live for text in one.texts}
    done = 0
    while done < count:
        with core.transaction() as session:
            for _ in range(min(_LOOKED_AT_ONCE, count - done)):
                kind = KINDS[done % len(KINDS)]
                text = kind(stock, random)
                if text in good:  # changed back into a live code: not tampered with
                    outcome.same[kind.__name__] += 1
                    continue
                said = _said(core, session, text)
                done += 1
                if said == "accepted":
                    outcome.accepted.append((kind.__name__, text))
                else:
                    outcome.refused.setdefault(kind.__name__, Counter())[said] += 1
    return outcome


def read(core: Core, session: Session, text: str) -> Read:
    """A code as the till reads it. Raises CodeInvalid, CodeExpired."""
    now, seconds = core.now(session), core.settings.till.code_window_seconds
    found = vouchers.read_code(
        session, keyring=core.keyring, text=text, now=now, window_seconds=seconds
    )
    found.check_time(now, seconds)
    return found


def _said(core: Core, session: Session, text: str) -> str:
    try:
        read(core, session, text)
    except (CodeInvalid, CodeExpired) as refusal:
        return refusal.code
    return "accepted"


def _live(core: Core, voucher: Voucher) -> Live:
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    _, _, (shown,) = vouchers.codes(core, actor=owner, voucher=voucher.id)
    first, second = (
        vouchers.print_voucher(core, actor=owner, voucher=voucher.id) for _ in range(2)
    )
    assert second.text == paper.make(core.keyring, code_ref=voucher.code_ref, serial=2)
    return Live(voucher.code_ref, shown.window, shown.text, shown.short, second.text, first.text)

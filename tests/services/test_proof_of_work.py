"""The puzzle before a claim: solved once, for one resident and one offer, for two minutes."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ResidentId
from voucher_service.waiting import proof as proofs
from voucher_service.waiting import service as waiting
from voucher_service.waiting.model import ProofOfWorkRequired


@pytest.fixture
def city(clock_core: Core) -> World:
    return World(clock_core)


def puzzling(city: World, *, waiting_room: bool = False, opens_in: int = -60) -> Offer:
    """An offer that asks for a proof of work."""
    plan = city.plan(opens_at=city.now() + timedelta(seconds=opens_in))
    return city.offer(replace(plan, proof_of_work=True, waiting_room=waiting_room))


def ask(city: World, offer: Offer, who: Actor, proof: str | None, key: str = "k") -> object:
    """What stands before a claim."""
    return waiting.before_claim(city.core, actor=who, offer=offer.id, key=key, proof=proof)


def challenge(city: World, offer: Offer, who: Actor, proof: str | None = None) -> dict[str, Any]:
    """The challenge of a refusal."""
    with pytest.raises(ProofOfWorkRequired) as refusal:
        ask(city, offer, who, proof)
    told = refusal.value.extra["challenge"]
    assert isinstance(told, dict)
    return told


def solved(told: dict[str, Any]) -> str:
    """The proof that a phone sends."""
    number = next(
        n
        for n in range(told["maxnumber"] + 1)
        if hashlib.sha256(f"{told['salt']}{n}".encode()).hexdigest() == told["challenge"]
    )
    return base64.b64encode(json.dumps(told | {"number": number}).encode()).decode()


def test_a_claim_is_asked_for_a_proof_and_passes_with_it(city: World) -> None:
    offer, who = puzzling(city), city.resident()
    told = challenge(city, offer, who)
    assert set(told) == {"algorithm", "challenge", "salt", "maxnumber", "signature"}
    assert ask(city, offer, who, solved(told)) is None


def test_a_proof_counts_once_and_again_for_the_same_claim_sent_again(city: World) -> None:
    offer, who = puzzling(city), city.resident()
    proof = solved(challenge(city, offer, who))
    assert ask(city, offer, who, proof, "a") is None
    assert ask(city, offer, who, proof, "a") is None
    with pytest.raises(ProofOfWorkRequired):
        ask(city, offer, who, proof, "b")


def test_anothers_proof_or_one_for_another_offer_does_not_count(city: World) -> None:
    offer, other, who = puzzling(city), puzzling(city), city.resident()
    proof = solved(challenge(city, offer, who))
    challenge(city, offer, city.resident(), proof)
    challenge(city, other, who, proof)


def test_a_proof_ends_after_two_minutes(city: World, clock: Clock) -> None:
    offer, who = puzzling(city), city.resident()
    proof = solved(challenge(city, offer, who))
    assert clock.at is not None
    clock.set(clock.at + timedelta(seconds=121))
    challenge(city, offer, who, proof)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"number": 1}',
        b'{"salt": "a", "number": 1e999, "signature": ""}',
        b'{"salt": "?expires=99999999999&", "number": 1, "signature": "\\u00e9"}',
        b"[" * 900,
    ],
)
def test_nonsense_is_no_proof(city: World, content: bytes) -> None:
    offer, who = puzzling(city), city.resident()
    challenge(city, offer, who, base64.b64encode(content).decode())
    challenge(city, offer, who, content.decode() + "中")


def test_a_made_up_challenge_is_no_proof(city: World) -> None:
    offer, who = puzzling(city), city.resident()
    easy = challenge(city, offer, who) | {"salt": "x?expires=99999999999&", "maxnumber": 0}
    easy["challenge"] = hashlib.sha256(f"{easy['salt']}0".encode()).hexdigest()
    challenge(city, offer, who, solved(easy))


def test_a_place_in_the_line_is_proof_enough(city: World, clock: Clock) -> None:
    offer, who = puzzling(city, waiting_room=True, opens_in=60), city.resident()
    assert ask(city, offer, who, solved(challenge(city, offer, who))) is not None
    assert ask(city, offer, who, None) is not None
    assert clock.at is not None
    clock.set(clock.at + timedelta(seconds=63))
    assert ask(city, offer, who, None) is None


def test_nothing_is_to_be_solved_before_the_opening_or_when_all_are_gone(city: World) -> None:
    early, who = puzzling(city, opens_in=3_600), city.resident()
    assert ask(city, early, who, None) is None
    plan = replace(city.plan(quota=1), proof_of_work=True)
    gone = city.offer(plan)
    city.claim(gone)
    assert ask(city, gone, who, None) is None


def test_with_the_gate_away_a_good_proof_still_counts(city: World) -> None:
    offer, who = puzzling(city), city.resident()
    assert who.id is not None
    proof = solved(challenge(city, offer, who))
    settings = replace(
        city.core.settings,
        gate=replace(city.core.settings.gate, url="redis://127.0.0.1:9/0", timeout_ms=200),
    )
    with closing(Core(settings, city.core.clock)) as away:
        resident = ResidentId(who.id)
        for key in ("a", "b"):
            proofs.check(away, resident=resident, offer=offer.id, key=key, proof=proof)

"""Heads are signed in a form that any verifier reads, and in one spelling only."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voucher_service.proof import notes
from voucher_service.proof.notes import Head, NoteInvalid

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
HEAD = Head("vouchers.example/log", 12_345, bytes(range(32)))
NOTE = notes.signed(HEAD, KEY)
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_note_is_read_by_the_key_that_signed_it_alone() -> None:
    assert notes.opened(NOTE, notes.verifier(HEAD.origin, KEY)) == HEAD
    for who in (notes.verifier(HEAD.origin, OTHER), notes.verifier("another", KEY)):
        with pytest.raises(NoteInvalid):
            notes.opened(NOTE, who)


def test_a_note_has_the_published_form() -> None:
    origin, size, root, gap, signature, end = NOTE.split("\n")
    assert (origin, size, gap, end) == ("vouchers.example/log", "12345", "", "")
    assert base64.b64decode(root) == HEAD.root
    dash, name, value = signature.split(" ")
    assert (dash, name) == ("\N{EM DASH}", HEAD.origin)
    assert len(base64.b64decode(value)) == 4 + 64


@pytest.mark.parametrize("at", range(0, len(NOTE), 3))
def test_no_character_of_a_note_may_be_another(at: int) -> None:
    wrong = NOTE[:at] + chr(ord(NOTE[at]) ^ 1) + NOTE[at + 1 :]
    with pytest.raises(NoteInvalid):
        notes.opened(wrong, notes.verifier(HEAD.origin, KEY))


@pytest.mark.parametrize("size", ["012345", "+12345", "12_345", " 12345", "-1"])
def test_a_size_has_one_spelling(size: str) -> None:
    body = HEAD.body.replace("12345", size)
    value = base64.b64encode(notes.verifier(HEAD.origin, KEY).id + KEY.sign(body.encode()))
    note = f"{body}\n\N{EM DASH} {HEAD.origin} {value.decode()}\n"
    with pytest.raises(NoteInvalid):
        notes.opened(note, notes.verifier(HEAD.origin, KEY))


def test_a_witness_says_when_it_saw_the_note() -> None:
    who = notes.verifier("witness.example", OTHER, cosigns=True)
    assert notes.witnessed_at(NOTE, who) is None
    note = NOTE + notes.cosigned(NOTE, who.name, OTHER, AT)
    assert notes.witnessed_at(note, who) == AT
    assert notes.opened(note, notes.verifier(HEAD.origin, KEY)) == HEAD
    later = NOTE + notes.cosigned(NOTE.replace("12345", "12346"), who.name, OTHER, AT)
    assert notes.witnessed_at(later, who) is None


def test_a_published_key_is_read_again() -> None:
    for cosigns in (False, True):
        who = notes.verifier("vouchers.example/log", KEY, cosigns=cosigns)
        found = notes.parsed_verifier(str(who))
        assert (found.name, found.id, found.cosigns) == (who.name, who.id, cosigns)
    good = str(notes.verifier("vouchers.example/log", KEY))
    for wrong in ("", "name", good[:-4], good.replace("vouchers", "voucher5")):
        with pytest.raises(NoteInvalid):
            notes.parsed_verifier(wrong)

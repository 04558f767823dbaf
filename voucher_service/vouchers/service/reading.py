"""Read a code, in each of its three forms: the QR's, the one that is typed, the printed one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra.secrets import Keyring

from .. import code, paper, short_code, store
from ..code import CodeInvalid, Read
from ..model import IdLastFourNeeded, IdLastFourWrong, Voucher

# The references that lie in each of some spans, both ends included, with the place of the span.
RefsWithin = Callable[[Session, Sequence[tuple[int, int]]], list[tuple[int, int]]]
# So far back a typed code is still known as one of ours: it gets the refusal of an old code, and an
# order that is sent again its first answer.
_KNOWN_WINDOWS = 20
PAPER_WINDOW = 0


def read_code(
    session: Session,
    *,
    keyring: Keyring,
    text: str,
    now: datetime,
    window_seconds: int,
    also: RefsWithin | None = None,
) -> Read:
    """Verify a code's spelling and signature. Raises CodeInvalid, whatever is wrong with it.

    Its time is judged by `Read.check_time`. Only the typed and the printed form ask the database.
    `also` finds the references of what else is shown by a typed code.
    """
    if len(text) == short_code.LENGTH:
        present = code.window_of(now, window_seconds)
        return _typed(session, keyring, text, present, also or _none_within)
    if len(text) == paper.LENGTH:
        return _printed(session, keyring, text)
    return code.read(keyring, text)


def check_holder(
    session: Session, *, keyring: Keyring, read: Read, voucher: Voucher, id_last_four: str | None
) -> None:
    """A printed code is for its holder: how their document's number ends must be told with it.

    Codes of the other forms pass. Raises IdLastFourNeeded, IdLastFourWrong.
    """
    if not read.paper:
        return
    if not id_last_four:
        raise IdLastFourNeeded
    if not identity.number_ends_with(
        session, keyring=keyring, resident=voucher.resident_id, last_four=id_last_four
    ):
        raise IdLastFourWrong


def _none_within(_: Session, __: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return []


def _typed(session: Session, keyring: Keyring, text: str, present: int, also: RefsWithin) -> Read:
    near = range(present + code.TOLERANCE, present - _KNOWN_WINDOWS, -1)
    guesses = list(short_code.guesses(keyring, text, near))
    spans = [(guess.low, guess.high) for guess in guesses]
    for place, code_ref in (*store.code_refs_within(session, spans), *also(session, spans)):
        guess = guesses[place]
        if guess.matches(keyring, code_ref):
            return Read(code_ref, guess.window, guess.nonce(keyring, code_ref))
    raise CodeInvalid


def _printed(session: Session, keyring: Keyring, text: str) -> Read:
    code_ref, serial = paper.read(keyring, text)
    void = None if store.newest_print(session, code_ref=code_ref) == serial else serial
    # The voucher itself says whether it was spent: the nonce only fills its column.
    return Read(code_ref, PAPER_WINDOW, os.urandom(8), paper=True, void_print=void)

"""Offer heads to the witness, and raise an alarm when it refuses or sealing falls behind."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.audit import stream as records
from voucher_service.infra.core import Core
from voucher_service.ledger import stream as movements

from .. import notes, store
from ..model import Health, SizeUnknown, State
from ..notes import NoteInvalid, Verifier
from ..tables import CosignatureRow
from ..tree import Frontier
from ..witness import ADD, MOST_BYTES, Offer
from .proving import consistency
from .publishing import verifiers

# So old may the oldest row be that is not sealed, or that head which has no cosignature.
LATE = timedelta(minutes=5)
SILENT = timedelta(hours=2)
SEALING, WITNESS, SILENCE = "sealing", "witness", "silence"
_SECONDS = 10.0


class WitnessRefused(Exception):
    """The witness has another log, or a longer one. The text is its answer."""


class WitnessAway(Exception):
    """The witness was not reached, or its answer is none."""


def watch(core: Core) -> int:
    """Offer the newest head where it has no cosignature, and settle the log's alarms.

    How many things are wrong.
    """
    broken: dict[tuple[Kind, str], Mapping[str, Any]] = {}
    unseen = set()
    try:
        offer(core)
    except WitnessRefused as refused:
        broken[Kind.LOG, WITNESS] = {"answer": str(refused)}
    except WitnessAway:
        unseen.add(WITNESS)
    found = health(core)
    if found.behind > LATE:
        broken[Kind.LOG, SEALING] = {"minutes": found.behind // timedelta(minutes=1)}
    if found.witness and found.unwitnessed > SILENT:
        broken[Kind.LOG, SILENCE] = {"hours": found.unwitnessed // timedelta(hours=1)}
    with core.transaction() as session:
        now = core.now(session)
        alarms.settle(session, kinds=(Kind.LOG,), broken=broken, now=now, unseen=unseen)
    return len(broken)


def offer(core: Core) -> bool:
    """Ask the witness to sign the newest head; whether it did. Nothing to do: False.

    Raises WitnessRefused, WitnessAway.
    """
    who = witness(core)
    with core.transaction() as session:
        heads, old = store.checkpoints(session, limit=1), store.witnessed(session)
    if who is None or not heads or heads[0].size <= old:
        return False
    head = heads[0]
    status, text = _asked(core, old, head.size, head.note)
    if status == HTTPStatus.CONFLICT and text.strip().isdecimal() and int(text) != old:
        # It knows of a cosignature that never reached us, or it is a new witness.
        try:
            status, text = _asked(core, int(text), head.size, head.note)
        except SizeUnknown:
            raise WitnessRefused(f"has {text.strip()}") from None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise WitnessAway(str(status))
    if status != HTTPStatus.OK:
        raise WitnessRefused(f"{status} {text.strip()}"[:200])
    _keep(core, who, head.size, head.note, text)
    return True


def health(core: Core) -> Health:
    """How the log stands: how far it is, what waits, and who signed it last."""
    who = witness(core)
    with core.transaction() as session:
        row, heads = store.state(session), store.checkpoints(session, limit=1)
        tree = Frontier(row.size, tuple(bytes(one) for one in row.peaks))
        size = store.witnessed(session)
        return Health(
            state=State(tree.size, tree.root, row.sealed_at),
            behind=_behind(session, row.xid),
            published=heads[0].size if heads else 0,
            published_at=heads[0].occurred_at if heads else None,
            witness=str(who) if who else "",
            witnessed=size,
            witnessed_at=store.witnessed_at(session),
            unwitnessed=store.unwitnessed(session, size),
        )


def witness(core: Core) -> Verifier | None:
    """Who cosigns the heads of this log, if anybody does."""
    return next((one for one in verifiers(core) if one.cosigns), None)


def _behind(session: Session, xid: int) -> timedelta:
    waiting = (records.waiting(session, since=xid), movements.waiting(session, since=xid))
    return max(waiting)


def _asked(core: Core, old: int, size: int, note: str) -> tuple[int, str]:
    path = consistency(core, old=old, new=size).path if old else ()
    url = core.settings.proof.witness_url.rstrip("/") + ADD
    body = str(Offer(old, tuple(path), note)).encode()
    sent = urllib.request.Request(url, body, {"Content-Type": "text/plain"})  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(sent, timeout=_SECONDS) as answer:  # noqa: S310 - of settings
            return answer.status, answer.read(MOST_BYTES).decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        raise WitnessAway(type(error).__name__) from error


def _keep(core: Core, who: Verifier, size: int, note: str, text: str) -> None:
    """Only a signature that is right is a signature."""
    line = text.split("\n", 1)[0] + "\n"
    try:
        at = notes.witnessed_at(note + line, who)
    except NoteInvalid:
        at = None
    if at is None:
        raise WitnessAway("no cosignature")
    with core.transaction() as session:
        session.add(CosignatureRow(size=size, witness=who.name, line=line, occurred_at=at))

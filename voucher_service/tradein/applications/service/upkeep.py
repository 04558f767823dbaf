"""A change of keys."""

from __future__ import annotations

from voucher_service.infra.core import Core

from .. import store


def rotate_fields(core: Core, *, batch: int = 1000) -> int:
    """Encrypt anew up to `batch` applications; how many there were. Call until it answers 0."""
    with core.transaction() as session:
        return store.rotate(session, core.keyring, most=batch)

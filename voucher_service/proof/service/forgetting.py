"""Forget persons: what leads from them to their names in the log goes, the log stays whole."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from .. import store
from ..entry import PERSONS


def forget(session: Session, *, kind: str, ids: Collection[str]) -> int:
    """Take away the salts of residents, staff or cashiers for good; how many there were."""
    if kind not in PERSONS:
        raise ValueError(f"nobody is called {kind} in the log")
    return store.forget(session, [f"{kind}:{one}" for one in ids])

"""Subjects as if risk had looked at them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from voucher_service.infra.core import Core

_WEIGH = text(
    "INSERT INTO risk_subject (subject_kind, subject_id, due, weight, assessed_at)"
    " VALUES (:kind, :id, false, :weight, clock_timestamp())"
    " ON CONFLICT (subject_kind, subject_id) DO UPDATE"
    " SET due = false, weight = excluded.weight, assessed_at = excluded.assessed_at"
)


def weigh(core: Core, kind: str, weights: Mapping[UUID, int]) -> None:
    """Have risk find so much in these sales or applications."""
    with core.transaction() as session:
        for id, weight in weights.items():
            session.execute(_WEIGH, {"kind": kind, "id": id, "weight": weight})

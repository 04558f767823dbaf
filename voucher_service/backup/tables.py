"""The base backups that were taken and read back, so that a missing one is noticed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded


class BackupRow(Recorded, Base):
    """One backup, by its name in its folder. Append only."""

    __tablename__ = "backup"

    name: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str]
    ended_at: Mapped[datetime]
    sealed_bytes: Mapped[int] = mapped_column(BigInteger)

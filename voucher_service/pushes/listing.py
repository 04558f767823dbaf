"""The uploaded list: a CSV with one person a line. Pure.

Columns by name, Chinese or English: 手机号 `mobile`, 证件号码 `id_number` (resident id), 户号
`household`, 户主 `head`. With a column of households each household gets one voucher.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from voucher_service.identity import documents
from voucher_service.identity.documents import Document, Identity
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from .model import ADULT_YEARS, MOST_LINES, PushListInvalid, Result, Unit

_COLUMNS = {
    "mobile": "mobile",
    "手机号": "mobile",
    "手机": "mobile",
    "id_number": "id_number",
    "证件号码": "id_number",
    "身份证号": "id_number",
    "household": "household",
    "户号": "household",
    "户": "household",
    "head": "head",
    "户主": "head",
}
_YES = frozenset({"1", "y", "yes", "true", "是", "户主"})


@dataclass(frozen=True, slots=True)
class Named:
    """One line. With neither mobile nor identity it could not be read. `shown` is masked;
    `household` counts from 1 in the order of the list.
    """

    number: int
    shown: str
    mobile: str | None = None
    identity: Identity | None = None
    household: int | None = None
    head: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A line with the resident whom it names. Without a result it is to be given."""

    line: Named
    resident: ResidentId | None
    result: Result | None


def read(content: bytes) -> tuple[Unit, list[Named]]:
    """The unit and the lines, numbered as a table shows them: the header is line 1.

    Takes UTF-8 and what spreadsheets write in China. Raises PushListInvalid.
    """
    try:
        rows = list(csv.reader(io.StringIO(_decoded(content)), strict=True))
    except csv.Error as error:
        raise PushListInvalid from error
    header = [_COLUMNS.get(cell.strip().lower()) for cell in rows[0]] if rows else []
    known = [name for name in header if name]
    if not {"mobile", "id_number"} & set(known) or len(known) != len(set(known)):
        raise PushListInvalid
    if len(rows) - 1 > MOST_LINES:
        raise PushListInvalid(most=MOST_LINES)
    unit = Unit.HOUSEHOLD if "household" in known else Unit.PERSON
    households: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows[1:], 2):
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=False) if name}
        if any(cells.values()):
            lines.append(_named(number, cells, unit, households))
    return unit, lines


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PushListInvalid


def _named(number: int, cells: Mapping[str, str], unit: Unit, households: dict[str, int]) -> Named:
    household = cells.get("household", "")
    if unit is Unit.HOUSEHOLD and not household:
        return Named(number, "")
    ordinal = households.setdefault(household, len(households) + 1) if household else None
    head = cells.get("head", "").lower() in _YES
    try:
        if written := cells.get("id_number"):
            identity = documents.identity(Document.RESIDENT_ID, written)
            return Named(number, f"*{identity.number[-4:]}", None, identity, ordinal, head)
        mobile = documents.mobile(cells.get("mobile", ""))
    except DomainError:
        return Named(number, "", household=ordinal)
    return Named(number, f"{mobile[:3]}****{mobile[-4:]}", mobile, None, ordinal, head)


def place(
    lines: Sequence[Named],
    found: Mapping[int, ResidentId],
    born: Mapping[ResidentId, date | None],
    today: date,
) -> list[Placed]:
    """Say of each line whether it is to be given, and if not, why.

    `found` has the residents by line number, `born` the dates of birth of those who are verified.
    A person stands on a list once. A household gets one voucher: its named head's, or else that of
    its first member in the list who is verified and of age; a document that tells no date of birth
    counts as of age. Who is alone in the unit need not be verified yet: the claim asks for it.
    """
    seen: set[ResidentId] = set()
    placed = []
    for line in lines:
        resident = found.get(line.number)
        result = _plain(line, resident, seen)
        if result is None and line.household is not None:
            assert resident is not None
            result = _fitness(born, resident, today)
        if resident is not None:
            seen.add(resident)
        kept = None if result is Result.REPEATED else resident
        placed.append(Placed(line, kept, result))
    return _one_a_household(placed)


def _plain(line: Named, resident: ResidentId | None, seen: set[ResidentId]) -> Result | None:
    if line.mobile is None and line.identity is None:
        return Result.UNREADABLE
    if resident is None:
        return Result.UNKNOWN
    return Result.REPEATED if resident in seen else None


def _fitness(
    born: Mapping[ResidentId, date | None], resident: ResidentId, today: date
) -> Result | None:
    if resident not in born:
        return Result.NOT_VERIFIED
    birth = born[resident]
    if birth is None:
        return None
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return Result.MINOR if years < ADULT_YEARS else None


def _one_a_household(placed: Sequence[Placed]) -> list[Placed]:
    """Heads come first, then the order of the list; the others of a household are not chosen."""
    chosen: dict[int, int] = {}
    for one in sorted(placed, key=lambda one: (not one.line.head, one.line.number)):
        if one.result is None and one.line.household is not None:
            chosen.setdefault(one.line.household, one.line.number)
    return [
        one
        if one.result or one.line.household is None or chosen[one.line.household] == one.line.number
        else Placed(one.line, one.resident, Result.NOT_CHOSEN)
        for one in placed
    ]

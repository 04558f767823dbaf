"""Identity documents and names: one spelling for each, and whether it can be right. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .model import Honorific, IdNumberInvalid, MobileInvalid, NameInvalid, UsernameInvalid


class Document(StrEnum):
    """What a person proves their identity with."""

    RESIDENT_ID = "resident_id"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    FOREIGN_PERMANENT = "foreign_permanent"
    PASSPORT = "passport"


@dataclass(frozen=True, slots=True)
class Identity:
    """A document and its number in the one spelling that is hashed and stored.

    `born` is the date of birth and `division` the six-digit code of the issuing division, where the
    number tells. Whether the date has come is for the caller to judge, who knows the day.
    """

    document: Document
    number: str
    born: date | None = None
    honorific: Honorific | None = None
    division: str | None = None

    @property
    def key(self) -> str:
        """What the look-up hash is made of: the same text for the same identity."""
        return f"{self.document}:{self.number}"


_NAME_LENGTHS = range(2, 61)
_NAME_MARKS = " -'·"
_DOTS = str.maketrans(dict.fromkeys("・•‧∙⋅᛫●", "·") | {"’": "'", "‘": "'", "‐": "-", "‑": "-"})
_CJK = "㐀-䶿一-鿿〇\U00020000-\U0003ffff"
_COMPOUND_SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳司马上官诸葛东方皇甫尉迟公孙令狐慕容司徒夏侯端木百里南宫独孤长孙宇文钟离闻人",
    )
)
_EARLIEST_YEAR = 1900
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_EIGHTEEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_PATTERNS = {
    Document.HK_MACAO_PERMIT: re.compile(r"([HM][0-9]{8})(?:[0-9]{2})?"),
    Document.TAIWAN_PERMIT: re.compile(r"([0-9]{8})(?:[0-9]{2})?"),
    Document.FOREIGN_PERMANENT: re.compile(r"([A-Z]{3}[0-9]{12})"),
    Document.PASSPORT: re.compile(r"(?=.*[0-9])([A-Z0-9]{5,12})"),
}


def mobile(text: str) -> str:
    """The mobile number without spaces, hyphens and +86. Raises MobileInvalid."""
    plain = _plain(text)
    number = plain.removeprefix("+86") if plain.startswith("+86") else plain
    if not re.fullmatch(r"1[3-9][0-9]{9}", number):
        raise MobileInvalid
    return number


def username(text: str) -> str:
    """The username in small letters. Raises UsernameInvalid."""
    name = unicodedata.normalize("NFKC", text).strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{2,31}", name):
        raise UsernameInvalid
    return name


def name(text: str) -> str:
    """A person's name in one spelling: normal width, one kind of middle dot, no doubled spaces and
    none between Chinese characters.

    Raises NameInvalid for anything that names don't hold.
    """
    spelled = unicodedata.normalize("NFKC", text).translate(_DOTS).strip(" ")
    spelled = re.sub(" +", " ", spelled)
    spelled = re.sub(f"(?<=[{_CJK}]) ?(·?) ?(?=[{_CJK}])", r"\1", spelled)
    letters = [char for char in spelled if char not in _NAME_MARKS]
    if (
        len(spelled) not in _NAME_LENGTHS
        or not letters
        or spelled[0] in _NAME_MARKS
        or not all(_is_letter(char) for char in letters)
    ):
        raise NameInvalid
    return spelled


def _is_letter(char: str) -> bool:
    return re.fullmatch(f"[{_CJK}]", char) is not None or (
        char.isalpha() and unicodedata.name(char, "").startswith("LATIN ")
    )


def masked(full_name: str) -> str:
    """The surname and a star, as lists show it: 林*. A Latin name shows its first letter."""
    compound = len(full_name) > 2 and full_name[:2] in _COMPOUND_SURNAMES
    return full_name[: 2 if compound else 1] + "*"


def masked_mobile(number: str) -> str:
    """A mobile as lists show it: 138****1234."""
    return f"{number[:3]}****{number[-4:]}"


def masked_number(number: str) -> str:
    """A document's number as staff see it, its first and last four: 4417**********123X.

    Short numbers show less: of what is hidden there is always more than of what is shown.
    """
    shown = min(4, len(number) // 4)
    return number[:shown] + "*" * (len(number) - 2 * shown) + number[-shown:]


def identity(document: Document, number: str) -> Identity:
    """The identity a document number stands for. Raises IdNumberInvalid.

    A resident id is 18 characters by GB 11643, the residence permits of Hong Kong, Macao and Taiwan
    residents (81, 82, 83) included; unknown divisions are accepted, since many were renamed.
    """
    plain = _plain(number)
    if document is Document.RESIDENT_ID:
        return _eighteen(document, plain, first="12345678")
    if document is Document.FOREIGN_PERMANENT and plain.startswith("9"):
        return _eighteen(document, plain, first="9")
    match = _PATTERNS[document].fullmatch(plain)
    if match is None:
        raise IdNumberInvalid
    # A permit's last two digits count its renewals; the person is what stands before them.
    return Identity(document, match[1])


def check_character(first_seventeen: str) -> str:
    """The last character of an 18-character resident id (GB 11643)."""
    total = sum(
        weight * int(digit) for weight, digit in zip(_WEIGHTS, first_seventeen, strict=True)
    )
    return "10X98765432"[total % 11]


def _eighteen(document: Document, number: str, *, first: str) -> Identity:
    if (
        not _EIGHTEEN.fullmatch(number)
        or number[0] not in first
        or check_character(number[:17]) != number[17]
    ):
        raise IdNumberInvalid
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise IdNumberInvalid from None
    if born.year < _EARLIEST_YEAR:
        raise IdNumberInvalid
    honorific = Honorific.MR if int(number[16]) % 2 else Honorific.MS
    division = number[:6] if number[0] in "1234567" else None
    return Identity(document, number, born, honorific, division)


def _plain(text: str) -> str:
    """Normal width, capitals, without spaces, hyphens and invisible characters."""
    return "".join(
        char
        for char in unicodedata.normalize("NFKC", text).upper()
        if not char.isspace() and char not in "-‐‑–" and unicodedata.category(char) != "Cf"
    )

"""The number under a product's barcode (GTIN, 商品条码). Pure."""

from __future__ import annotations

import unicodedata

from stdnum import ean

from voucher_service.kernel.errors import Unprocessable

# Numbers that GS1 keeps for use inside a company: no product that is sold has one of them. Those of
# replays begin so.
INVENTED = "2999"


class GtinInvalid(Unprocessable):
    """Not the number under a product's barcode: 8, 12, 13 or 14 digits whose last one checks."""

    code = "gtin_invalid"


def gtin(text: str) -> str:
    """A GTIN in 14 digits (GS1), so that its shorter spellings are the same. Raises GtinInvalid."""
    digits = "".join(unicodedata.normalize("NFKC", text).split())
    if not digits.isdigit() or len(digits) not in (8, 12, 13, 14) or not ean.is_valid(digits):
        raise GtinInvalid
    return digits.zfill(14)


def invented(gtin: str) -> bool:
    """Whether a number of 14 digits is a replay's."""
    return gtin.startswith(INVENTED.zfill(len(INVENTED) + 1))


def printed(gtin: str) -> str:
    """The number as it stands under the barcode: mostly 13 digits (EAN-13)."""
    return gtin.removeprefix("0")

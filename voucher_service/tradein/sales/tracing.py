"""What ties a sale to others besides the buyer, as keyed hashes: nothing of it is kept in clear."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from voucher_service.infra.secrets import Keyring

from ..risk.facts import Link
from .model import Traces

_MOBILE_DIGITS = 11


def links(keyring: Keyring, traces: Traces) -> Mapping[Link, str]:
    """The traces that were told, each hashed in the one spelling that it has for comparing."""
    digits = "".join(one for one in _plain(traces.phone) if one.isdecimal())
    told = {
        Link.CARD: _plain(traces.card),
        Link.PHONE: digits[-_MOBILE_DIGITS:],
        Link.ADDRESS: _plain(traces.address),
    }
    return {link: hashed(keyring, link, text) for link, text in told.items() if text}


def hashed(keyring: Keyring, link: Link, text: str) -> str:
    """The keyed hash of a trace, apart for each kind of link."""
    return keyring.lookup(f"risk.{link}", text).digest.hex()


def _plain(text: str | None) -> str:
    """Without marks, blanks and the difference of full width and case."""
    whole = unicodedata.normalize("NFKC", text or "").casefold()
    return "".join(one for one in whole if one.isalnum())

"""Two languages: the Chinese texts are the message ids, English comes from catalogues.

`_("剩 {n} 张")` in templates and `mark("剩 {n} 张")` in Python are found by
`python -m voucher_service.i18n`, which keeps `translations/en/*.po` complete. `{name}` is a fact.
"""

from __future__ import annotations

from .catalogue import DEFAULT, LOCALES, gettext, known, labels, mark, negotiate
from .errors import faults, sentence

__all__ = [
    "DEFAULT",
    "LOCALES",
    "faults",
    "gettext",
    "known",
    "labels",
    "mark",
    "negotiate",
    "sentence",
]

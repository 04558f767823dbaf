"""Use cases of causal leverage: consent, keys, import, estimates, reading.

Estimating is `service.estimating`, which loads numpy: only the job and the command line import it.
"""

from .consenting import agree, agreed, forget_person, withdraw
from .importing import import_file, keys, want
from .reading import Estimate, asked, files, headline, of_files, of_offer, of_programme

__all__ = [
    "Estimate",
    "agree",
    "agreed",
    "asked",
    "files",
    "forget_person",
    "headline",
    "import_file",
    "keys",
    "of_files",
    "of_offer",
    "of_programme",
    "want",
    "withdraw",
]

"""`python -m voucher_service.cli`."""

from . import main

main()

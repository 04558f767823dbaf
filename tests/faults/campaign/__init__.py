"""Faults on real processes under load: `python -m tests.faults.campaign`; see docs/faults.md."""

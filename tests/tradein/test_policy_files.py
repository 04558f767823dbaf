"""A policy file with a slip is refused with a text that names the key, whichever file it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from voucher_service.infra.data_files import DataFileInvalid
from voucher_service.settings import CONFIG
from voucher_service.tradein import shelf

FILES = sorted((CONFIG / "policies").glob("*.toml"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
KEY = re.compile(r"(?<![\w.])(\w+)(?= = )|(?<=^\[)(\w+)(?=\]$)", re.MULTILINE)
AMOUNT = re.compile(r"amount = \{[^}]*\}|tiers = \[\n.*?\n\]", re.DOTALL)
AREAS = re.compile(r"^areas = .*\n", re.MULTILINE)


def misspelt(text: str) -> Iterator[tuple[str, str]]:
    """Each key of the file, and the file with one letter more at its end."""
    for found in KEY.finditer(text):
        if "#" not in text[text.rfind("\n", 0, found.start()) + 1 : found.start()]:
            yield found.group(), f"{text[: found.end()]}x{text[found.end() :]}"


@EVERY_FILE
def test_a_file_with_a_misspelt_key_is_refused_and_the_key_named(path: Path) -> None:
    slips = list(misspelt(path.read_text("utf-8")))
    assert len(slips) > 10
    for key, text in slips:
        # A misspelt flat sum or tier table leaves an amount without any: the amount is named.
        named = "amount" if key in {"flat_fen", "tiers"} else key
        with pytest.raises(DataFileInvalid, match=rf"{path.stem}.*\b{named}x?\b"):
            shelf.parse(path.stem, text.encode())


@EVERY_FILE
@pytest.mark.parametrize("area", ["441999", "110000", "东莞"])
def test_a_file_for_an_area_that_is_not_ours_is_refused(path: Path, area: str) -> None:
    text = f'areas = ["{area}"]\n{AREAS.sub("", path.read_text("utf-8"))}'
    with pytest.raises(DataFileInvalid, match=rf"{path.stem}.*areas: {area}"):
        shelf.parse(path.stem, text.encode())


@EVERY_FILE
@pytest.mark.parametrize(
    "tiers",
    [
        "{ from_fen = 7_000_000, fen = 800_000 }, { from_fen = 4_000_000, fen = 900_000 }",
        "{ from_fen = 4_000_000, fen = 900_000 }, { from_fen = 7_000_000, fen = 800_000 }",
        "{ from_fen = 4_000_000, fen = 800_000 }, { from_fen = 4_000_000, fen = 900_000 }",
    ],
    ids=["price falls", "sum falls", "one price twice"],
)
def test_a_file_whose_tiers_do_not_rise_is_refused(path: Path, tiers: str) -> None:
    def falling(found: re.Match[str]) -> str:
        made = f"tiers = [{tiers}]"
        return f"amount = {{ {made} }}" if found.group().startswith("amount") else made

    text, times = AMOUNT.subn(falling, path.read_text("utf-8"), count=1)
    assert times == 1
    with pytest.raises(DataFileInvalid, match=rf"{path.stem}.*rules.*tiers"):
        shelf.parse(path.stem, text.encode())


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, "a = " + "9" * 6_000, "a = 2024-02-31", "= 1", "\ufffd", ""]
)
def test_what_is_no_policy_at_all_is_refused_too(text: str) -> None:
    with pytest.raises(DataFileInvalid):
        shelf.parse("draft", text.encode())


@EVERY_FILE
def test_a_file_as_it_ships_is_read_whole(path: Path) -> None:
    policy = shelf.parse(path.stem, path.read_bytes())
    assert policy == shelf.policy(path.stem)
    assert policy.first <= policy.last
    assert policy.file_by is None or policy.file_by > policy.last


@pytest.mark.parametrize(
    ("file", "right", "wrong", "named"),
    [
        ("appliance-2026", '["1"]', '["first"]', "grades: grades are 1 to 5"),
        ("appliance-2026", '["1"]', '["9"]', "grades: grades are 1 to 5"),
        ("appliance-2026", '"computer"]', '"phone"]', r"rules\[0\].categories: .*phone"),
        ("car_scrap-2026", '["car"]', "[]", "the list is empty"),
        ("car_scrap-2026", "2027-01-10", "2026-01-10", "events.file_by"),
        ("car_scrap-2026", "2026-12-31\nfile", "2025-12-31\nfile", "events: the first day"),
        ("digital-2026", "rate_bps", "rate", r"rules\[0\].amount: one of flat_fen"),
    ],
)
def test_a_slip_that_is_still_well_spelt_is_refused_too(
    file: str, right: str, wrong: str, named: str
) -> None:
    text = (CONFIG / "policies" / f"{file}.toml").read_text("utf-8")
    assert right in text
    with pytest.raises(DataFileInvalid, match=named):
        shelf.parse(file, text.replace(right, wrong).encode())

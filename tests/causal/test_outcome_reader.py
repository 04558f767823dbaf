"""Outcome files are read strictly: every fault with its line, and nothing of a wrong file."""

from __future__ import annotations

import io
from datetime import date
from uuid import UUID

import pytest

from voucher_service.causal import outcome_reader, words
from voucher_service.causal.model import Interval
from voucher_service.causal.outcomes import Kind, OutcomeFileInvalid
from voucher_service.causal.sample import sample
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import ZERO

OFFER = OfferId(UUID("018f0000-0000-7000-8000-000000000001"))
FIRST, LAST = date(2026, 9, 7), date(2026, 9, 20)
THINGS = {
    Kind.PANEL: ["0" * 31 + "1", "0" * 31 + "2"],
    Kind.ORDERS: ["018f0000-0000-7000-8000-00000000000a"],
    Kind.AREAS: ["441702", "441704"],
}


def text(kind: Kind = Kind.PANEL) -> str:
    lines = sample(
        kind, offer=OFFER, first=FIRST, last=LAST, things=dict.fromkeys(THINGS[kind], ZERO), seed=3
    )
    return "\n".join(lines) + "\n"


def faults(content: bytes) -> list[tuple[int, str]]:
    with pytest.raises(OutcomeFileInvalid) as caught:
        list(outcome_reader.read(io.BytesIO(content))[1])
    return [(one["line"], one["column"]) for one in caught.value.extra["lines"]]


@pytest.mark.parametrize("kind", Kind)
def test_a_sample_of_each_kind_is_read_whole(kind: Kind) -> None:
    head, lines = outcome_reader.read(io.BytesIO(b"\xef\xbb\xbf" + text(kind).encode()))
    read = list(lines)
    assert (head.kind, head.offer, head.first, head.last) == (kind, OFFER, FIRST, LAST)
    assert len(read) == head.lines
    assert sum(one.amount.fen for one in read) == head.total.fen


def changed(old: str, new: str) -> bytes:
    found = text()
    assert old in found
    return found.replace(old, new, 1).encode()


def test_a_head_that_is_wrong_is_named() -> None:
    assert faults(b"") == [(1, "")]
    assert faults(changed("voucher-outcomes,2026-11", "voucher-outcomes,2025-01")) == [(1, "")]
    assert faults(changed("kind,panel", "kind,pannel")) == [(2, "kind")]
    assert faults(changed("provider,sample", "provider,Mr Li")) == [(3, "provider")]
    assert faults(changed("from,2026-09-07", "from,2026-09-08")) == [(7, "from, to")]
    assert faults(changed("key,week", "week,key"))[0][0] == 11


def test_every_line_that_is_wrong_is_named_up_to_twenty() -> None:
    lines = text().splitlines()
    lines[12] = lines[12].replace(",2026-", ",2025-")
    lines[14] = "x" + lines[14]
    assert faults("\n".join(lines).encode()) == [(13, "week"), (15, "key")]
    many = [*lines[:11], *["no,line"] * 50]
    assert len(faults("\n".join(many).encode())) == outcome_reader.MOST_NAMED


def test_sums_that_do_not_add_up_are_named() -> None:
    assert faults(changed("lines,4", "lines,5")) == [(9, "5")]
    total = next(one for one in text().splitlines() if one.startswith("total_fen,"))
    assert faults(changed(total, "total_fen,7")) == [(10, "7")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("voucher-outcomes,2026-11\nkind,消费".encode("gb18030"), 2),
        (b"voucher-outcomes,2026-11\nkind,\0panel\n", 2),
        (b'voucher-outcomes,2026-11\n"kind,panel\nprovider,x"\n', 2),
        (b"a" * 3_000_000, 1),
        (b"voucher-outcomes,2026-11\nkind," + b"9" * 5_000, 2),
    ],
)
def test_other_encodings_and_endless_lines_are_refused_where_they_begin(
    content: bytes, line: int
) -> None:
    assert faults(content)[0][0] == line


def test_a_huge_number_is_no_amount() -> None:
    found = text().splitlines()
    cells = found[11].split(",")
    cells[4] = "9" * 18
    assert faults("\n".join([*found[:11], ",".join(cells)]).encode()) == [(12, "amount_fen")]


def test_what_excel_adds_to_the_head_is_overlooked_and_nothing_else_is() -> None:
    lines = text().splitlines()
    padded = [f"{one},,,," if number < 10 else one for number, one in enumerate(lines)]
    head, read = outcome_reader.read(io.BytesIO("\r\n".join(padded).encode("utf-8-sig")))
    assert len(list(read)) == head.lines
    day = changed("2026-09-07,", "2026/9/7,")
    assert {column for _, column in faults(day)} == {"week"}


def test_a_file_without_lines_is_refused() -> None:
    head = text().splitlines()[:11]
    empty = [*head[:8], "lines,0", "total_fen,0", head[10]]
    assert faults("\n".join(empty).encode()) == [(0, "")]


def test_lines_with_the_same_fault_are_told_together_with_what_stands_there() -> None:
    content = text().replace("2026-09-14", "2026-09-15").encode()
    with pytest.raises(OutcomeFileInvalid) as caught:
        list(outcome_reader.read(io.BytesIO(content))[1])
    ((numbers, said),) = outcome_reader.in_words(caught.value, "en")
    assert numbers == [13, 15]
    assert said.startswith("“week” must be the date of a Monday")
    assert said.endswith("2026-09-15")


def test_an_end_near_nothing_keeps_a_second_decimal() -> None:
    assert words.figures(Interval(2.04, 1.26, 2.83)) == ("2.0", "1.3", "2.8")
    assert words.figures(Interval(2.04, 0.03, 4.1)) == ("2.04", "0.03", "4.10")

"""A form as PDF: its text can be read, nobody's text becomes code, the same data the same bytes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.printing.reading import pages
from voucher_service.printing import FontsMissing, forms, rendering
from voucher_service.printing.forms import Column, Fact, Facts, Form, Heading, Room, Table, Words

AT = datetime(2026, 11, 22, 2, tzinfo=UTC)
HOSTILE = (
    '#panic("out")',
    '#read("/etc/passwd") #include "form.typ"',
    "*粗* _斜_ `码` $x^2$ <标> @引 = 题 // 注 /* 释 */",
    "\\u{41} #sys.inputs ]] [[ }} {{ \" ' \\",
)


def form(*texts: str, rows: int = 1) -> Form:
    table = Table([Column("项目"), Column("金额", figures=True)], [["核销", "1.00"]] * rows)
    facts = Facts([Fact("单位", texts[0]), Fact("金额（大写）", "人民币壹元整", wide=True)])
    return Form("资金清算申请表", [facts, Heading("明细"), table, *(Words(one) for one in texts)])


def test_chinese_is_printed_and_can_be_copied() -> None:
    (page,) = pages(forms.printed(form("阳江市商务局"), at=AT))
    for text in ("资金清算申请表", "阳江市商务局", "人民币壹元整", "核销", "1.00"):
        assert text in page


def test_each_page_says_which_it_is_and_repeats_the_head_of_the_table() -> None:
    found = pages(forms.printed(form("甲", rows=150), at=AT))
    for number, page in enumerate(found, 1):
        assert f"第{number}页/共{len(found)}页" in page.replace(" ", "").replace("\n", "")
        assert "项目" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_nobodys_text_becomes_code(text: str) -> None:
    (page,) = pages(forms.printed(form(text), at=AT))
    assert text.replace(" ", "") in page.replace(" ", "").replace("\n", "")


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_at_all_can_be_printed(text: str) -> None:
    assert pages(forms.printed(form(text), at=AT))


def test_what_the_fonts_lack_is_marked_and_nothing_turns_the_writing_round() -> None:
    (page,) = pages(forms.printed(form("\U00020bb7野家\U0001f600 \u202e甲\u0000乙"), at=AT))
    assert "〓野家〓 甲乙" in page


def test_the_same_data_give_the_same_bytes_in_another_process() -> None:
    here = forms.printed(form("阳江"), at=AT)
    code = (
        "import sys; from tests.printing.test_forms import AT, form;"
        "from voucher_service.printing import forms;"
        "sys.stdout.buffer.write(forms.printed(form('阳江'), at=AT))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert there.stdout == here


def test_a_missing_font_is_said_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rendering, "FONTS", tmp_path)
    with pytest.raises(FontsMissing):
        forms.printed(form("甲"), at=AT)


def test_there_is_room_to_write_by_hand() -> None:
    opinion = Form("审核", [Room("审核意见", "签名："), forms.Signatures(["经办：", "复核："])])
    (page,) = pages(forms.printed(opinion, at=AT))
    assert {"审核意见", "签名：", "经办：", "复核："} <= set(page.split("\n"))

"""Two languages, complete: every text has English, every refusal a sentence in both."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter

import pytest
from click import ClickException

import voucher_service
from voucher_service.cli.base import plainly
from voucher_service.i18n import faults, gettext, negotiate, sentence
from voucher_service.i18n import formats as f
from voucher_service.i18n.errors import KINDS
from voucher_service.i18n.extraction import missing, texts
from voucher_service.i18n.sentences import TEXT
from voucher_service.kernel.errors import KINDS as ROOTS
from voucher_service.kernel.errors import DomainError, Unprocessable
from voucher_service.kernel.money import Money
from voucher_service.web.errors import HTTP_CODES, STATUS

TODAY = date(2026, 9, 23)
ZH, EN = "zh-CN", "en"


def test_every_text_has_english() -> None:
    assert missing() == []


def test_english_names_the_same_facts() -> None:
    for wanted in texts().values():
        for text in wanted:
            assert _facts(gettext(text, EN)) == _facts(text), text


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_the_last_sentence_of_each_code_needs_no_facts() -> None:
    for code, forms in TEXT.items():
        assert not _facts(forms[-1]), code


def _leaves(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith(("voucher_service", "merchant_portal", "admin")):
            if "code" in vars(child):
                yield child
            yield from _leaves(child)


def test_every_refusal_has_a_code_of_its_own_one_kind_and_a_sentence() -> None:
    for module in pkgutil.walk_packages(voucher_service.__path__, "voucher_service."):
        if module.name.rsplit(".", 1)[-1] not in ("__main__", "wsgi"):
            importlib.import_module(module.name)
    found = list(_leaves())
    codes = [leaf.code for leaf in found]
    assert sorted(codes) == sorted(set(codes))
    for leaf in found:
        assert sum(issubclass(leaf, kind) for kind in ROOTS) == 1, leaf
        assert leaf.code in TEXT, leaf
    assert set(HTTP_CODES.values()) <= TEXT.keys()
    assert set(STATUS) == set(KINDS) == set(ROOTS)


class Short(Unprocessable):
    """An example."""

    code = "below_threshold"


def test_a_sentence_says_its_facts_when_it_has_them_and_does_without_when_not() -> None:
    rich = Short(order=Money(8_350), threshold=Money(10_000), missing=Money(1_650))
    assert "¥83.50" in sentence(rich, ZH)
    assert "¥100" in sentence(rich, ZH)
    assert "Add ¥16.50" in sentence(rich, EN)
    assert "{" not in sentence(Short(), ZH)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [([], ZH), (["zh-TW"], ZH), (["fr", "en-GB"], EN), (["fr"], ZH), (["EN"], EN), (["zho"], ZH)],
)
def test_the_language_is_the_first_accepted_one_that_we_speak(
    accepted: list[str], chosen: str
) -> None:
    assert negotiate(accepted) == chosen


def test_money_is_written_to_the_fen_and_face_values_are_not() -> None:
    assert f.money(Money(123_450)) == "¥1,234.50"
    assert f.money(Money(-2_000)) == "−¥20.00"
    assert f.face(Money(2_000)) == "¥20"
    assert f.face(Money(1_250)) == "¥12.50"
    assert f.face(Money(100_000)) == "¥1,000"
    assert f.money(None) == "–"


def test_a_rate_is_written_with_the_decimals_that_were_published() -> None:
    assert [f.rate(bps) for bps in (110, 115, -5, 0)] == ["1.1%", "1.15%", "−0.05%", "0.0%"]


def test_officials_read_ten_thousands_and_millions() -> None:
    issued = Money(1_783_100_000)
    assert f.wan(issued, ZH) == "1,783.1万元"
    assert f.wan(issued, EN) == "CNY 17.831 million"
    assert f.wan(Money(49_999), ZH) == "0.0万元"
    assert f.wan(Money(50_000), ZH) == "0.1万元"
    assert f.wan(-issued, ZH) == "−1,783.1万元"


def test_ratios_have_two_decimals_and_shares_one() -> None:
    assert f.ratio(Decimal("5.1838")) == "5.18"
    assert f.ratio(None) == "–"
    assert f.percent(16_415, 17_831) == "92.1%"
    assert f.percent(1, 0) == "–"


def test_days_and_instants_are_shanghais() -> None:
    at = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    assert f.instant(at, ZH, TODAY) == "9月30日 周三 10:00"
    assert f.instant(at, EN, TODAY) == "Wed 30 Sep, 10:00"
    assert f.day(TODAY, ZH, TODAY) == "今天"
    assert f.day(date(2026, 9, 24), EN, TODAY) == "tomorrow"
    assert f.day(date(2025, 9, 24), ZH, TODAY) == "2025年9月24日 周三"
    assert f.iso(at) == "2026-09-30T10:00:00+08:00"


def test_a_validity_ends_at_24_00_of_its_last_day() -> None:
    end = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
    assert f.until(end, ZH, TODAY) == "9月30日 24:00 前"
    assert f.until(end, EN, TODAY) == "until the end of 30 Sep"
    assert f.until(datetime(2026, 9, 30, 10, 0, tzinfo=UTC), ZH, TODAY) == "9月30日 18:00 前"


def test_what_is_wrong_with_a_file_is_told_line_by_line() -> None:
    lines = [
        {"line": 0, "text": "文件太长。"},
        {"line": 7, "text": "第一行要是：{columns}。", "columns": "金额"},
        {"line": 8, "reason": "a code that a machine reads"},
    ]
    assert faults(Unprocessable(extra={"lines": lines}), ZH) == [
        ("整个文件", "文件太长。"),
        ("第 7 行", "第一行要是：金额。"),
    ]
    assert faults(Unprocessable(extra={"lines": lines}), EN)[1][0] == "Line 7"
    assert faults(Unprocessable(), EN) == []


def test_a_command_tells_what_is_wrong_with_a_field_in_its_language() -> None:
    text = "这个地区我们不认识，请重新选。"

    @plainly
    def refused(locale: str) -> None:
        raise Unprocessable(extra={"errors": {"area": text}})

    for locale in (ZH, EN):
        with pytest.raises(ClickException) as caught:
            refused(locale=locale)
        assert caught.value.message.splitlines()[1] == f"area: {gettext(text, locale)}"
    assert gettext(text, EN) != text


def test_numbers_are_grouped_by_four() -> None:
    assert f.group4(230910428815) == "2309 1042 8815"

"""The programme file: what it must hold, and how a wrong one is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from voucher_service.replay import programme
from voucher_service.replay.model import Origin, Output
from voucher_service.replay.programme import ProgrammeInvalid

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "config" / "programmes" / "yangjiang-2023.toml"


def test_the_published_programme_is_read_as_it_was_printed() -> None:
    read = programme.load(FILE)
    assert read.vouchers.published.issued_fen == 1_783_100_000
    assert read.vouchers.published.leveraged_fen == 9_243_200_000
    assert read.vouchers.published.precision_fen == 100_000
    assert "市县两级共同发放消费券1783.1万元，拉动消费9243.2万" in read.vouchers.published.sentence
    assert read.file_hash == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert {area.name.zh for area in read.assumed.areas} == {"江城区", "阳东区", "阳西县", "阳春市"}
    assert read.vouchers.divisor_fen == 1_000


def test_every_assumption_says_why_in_both_languages_and_what_it_moves() -> None:
    read = programme.load(FILE)
    assert {each.name for each in read.assumptions} >= {"redemption_rate", "denominations", "areas"}
    for each in read.assumptions:
        assert each.why.zh and each.why.en and each.moves, each.name


def test_a_figure_knows_whether_it_is_published_assumed_or_computed() -> None:
    read = programme.load(FILE)
    assert read.origin(Output.ISSUED) is Origin.PUBLISHED
    assert read.origin(Output.LEVERAGED) is Origin.PUBLISHED
    assert read.origin(Output.RATIO_ON_ISSUED) is Origin.COMPUTED
    assert read.origin(Output.REDEEMED) is Origin.ASSUMED
    assert read.moved_by(Output.RATIO_ON_REDEEMED) == ("redemption_rate",)


def test_no_published_figure_code_or_campaign_of_the_programme_stands_in_the_code() -> None:
    read = programme.load(FILE)
    figures = (read.vouchers.published.issued_fen, read.vouchers.published.leveraged_fen)
    spellings = {str(fen) for fen in figures} | {str(fen // 100) for fen in figures}
    spellings |= {f"{fen / 1_000_000:.1f}" for fen in figures}
    names = {each.name.zh for each in read.vouchers.campaigns} | {read.slug, read.brand.zh}
    names |= {area.code for area in read.assumed.areas}
    for folder, words in (("voucher_service", spellings), ("voucher_service/replay", names)):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text().replace("_", "").replace(",", "")
            found = [word for word in words if word.replace("_", "") in source]
            assert not found, f"{path.name} holds {found}"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("issued_fen = 1_783_100_000", "issued_fen = 17_831_000.0", "published.issued_fen"),
        ("issued_fen = 1_783_100_000", "issued_fen = 1_783_100_001", "published.issued_fen"),
        ("precision_fen = 100_000", "", "published.precision_fen"),
        ("[reading.period]", "[reading.periods]", "reading.period"),
        ("least_bps = 10_000", "least_bps = 9_999", "assumptions.order_range.value.least_bps"),
        ("value = 7_000\n", "value = true\n", "assumptions.redemption_rate.value"),
        ("value = 7_000\n", "value = 7_000\nvalues = 1\n", "assumptions.redemption_rate.values"),
        ('moves = ["by_funder"]', 'moves = ["mood"]', "assumptions.funders.moves"),
        ("share_bps = 3_600", "share_bps = 3_601", "assumptions.areas.value"),
        ("face_fen = 1_000, threshold_fen = 5_000, share_bps = 400", "", "festival[0].face_fen"),
        (
            "face_fen = 1_000, threshold_fen = 5_000, share_bps = 400",
            "face_fen = 2_500, threshold_fen = 12_500, share_bps = 400",
            "value.everyday",
        ),
        (
            "face_fen = 20_000, threshold_fen = 100_000",
            "face_fen = 20_000, threshold_fen = 99_999",
            "assumptions.denominations.value.festival[4].face_fen",
        ),
        ('slug = "tasting"', 'slug = "may-day"', "assumptions.campaigns.value[3].slug"),
        ('slug = "tasting"', 'slug = "wine\\u0007"', "assumptions.campaigns.value[3].slug"),
        ('area = "441781"\nname', 'area = "441799"\nname', "campaigns.value[9].area"),
        ("closes_on = 2023-09-20", "closes_on = 2023-09-29", "campaigns.value[10].valid_days"),
        ("closes_on = 2023-09-20", "closes_on = 2023-09-07", "campaigns.value[10].opens_on"),
        (
            'denominations = "everyday"',
            'denominations = "huge"',
            "campaigns.value[1].denominations",
        ),
        ('trades = ["dining"]', 'trades = ["gold"]', "campaigns.value[3].trades"),
        ('trades = ["dining"]', 'trades = ["appliances"]', "campaigns.value[3].trades"),
        ("until_minutes = 15,", "until_minutes = 2,", "claims.value.delays"),
        ("until_minutes = 600", "until_minutes = 840", "claims.value.delays[3].until_minutes"),
        ('slug = "yangxi", area = "441721"', 'slug = "yangxi", area = "441702"', "funders.value"),
        ("441702 = 170,", "", "assumptions.trades.value[0].shops"),
        ("parts = [24", "parts = [-24", "assumptions.redemption_times.value.parts"),
    ],
)
def test_a_wrong_file_is_refused_by_the_name_of_its_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    text = FILE.read_text()
    assert old in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new, 1))
    with pytest.raises(ProgrammeInvalid) as refused:
        programme.load(wrong)
    assert key in str(refused.value)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_bytes(b"\xff\xfe[")
    with pytest.raises(ProgrammeInvalid, match="no TOML"):
        programme.load(wrong)

"""What people upload, meant well or not, is refused for a reason that stays, or made anew."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pikepdf
import pytest
from PIL import Image

from tests.uploads import papers, pictures
from tests.uploads.fuzzing import fuzz
from tests.uploads.papers import paper
from tests.uploads.pictures import photographed, picture
from tests.uploads.sample import Sample, faults, outcome
from voucher_service.infra import files
from voucher_service.infra.files import Content, Facts, FileDamaged, FileTooLarge, received
from voucher_service.infra.uploads.pool import POOL, Answer

MOST = 5_000_000


@pytest.mark.parametrize("samples", [pictures.samples, papers.samples])
def test_each_file_becomes_what_it_should_and_the_next_one_is_taken(samples) -> None:
    wrong = {}
    for one in samples():
        became, made = outcome(one.data)
        found = faults(one.data, made.content) if made else []
        if became != one.becomes or found:
            wrong[one.name] = (became, found)
    assert wrong == {}
    assert outcome(picture())[0] == files.JPEG


def test_mutants_crash_nothing_and_nothing_of_theirs_is_served() -> None:
    found = fuzz(400, seed=20_261_122)
    assert [why for _, why in found.wrong] == []
    assert {files.JPEG, files.PDF, "file_damaged", "file_refused"} <= set(found.outcomes)


def test_the_judge_of_this_corpus_sees_what_was_not_made_anew() -> None:
    """Else the tests above would hold of files that are kept as they came."""
    sent = paper(papers.script)
    assert {"/OpenAction in the catalogue", "/JS", "the sender's stream"} <= set(
        faults(sent, Content(files.PDF, sent))
    )
    photo = photographed()
    assert {"notes beside pixels", "the sender's scan"} <= set(
        faults(photo, Content(files.JPEG, photo))
    )


def test_place_and_time_are_told_and_then_gone() -> None:
    found = received(photographed(), most_bytes=MOST)
    assert found.facts.taken_at == datetime(2026, 3, 3, 21, 6, 7, tzinfo=UTC)
    assert (found.facts.latitude, found.facts.longitude) == (21.8579, 111.9825)
    with Image.open(io.BytesIO(found.content.data)) as kept:
        assert not kept.getexif()


def test_a_camera_that_names_its_offset_is_believed() -> None:
    noted = Image.Exif()
    noted.get_ifd(0x8769).update({0x9003: "2026:03:04 05:06:07", 0x9011: "-03:30"})
    found = received(picture(exif=noted), most_bytes=MOST)
    assert found.facts.taken_at == datetime(2026, 3, 4, 8, 36, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [((91.0, 0.0, 0.0), (1.0, 0.0, 0.0)), ((21.0, 0.0), (1.0, 0.0, 0.0))],
)
def test_notes_that_make_no_sense_are_no_facts_and_refuse_nothing(latitude, longitude) -> None:
    noted = Image.Exif()
    noted.get_ifd(0x8769)[0x9003] = "2026:13:45 99:00:00"
    noted.get_ifd(0x8825).update({1: "N", 2: latitude, 3: "E", 4: longitude})
    facts = received(picture(exif=noted), most_bytes=MOST).facts
    assert (facts.taken_at, facts.latitude, facts.longitude) == (None, None, None)


def test_the_same_photo_is_alike_smaller_paler_and_packed_again_and_another_is_not() -> None:
    def likeness(data: bytes) -> int:
        found = received(data, most_bytes=MOST).facts.likeness
        assert found is not None
        return found

    first = likeness(picture())
    for again in (picture(quality=30), picture("PNG"), picture(size=(480, 320)), picture(mode="L")):
        assert (first ^ likeness(again)).bit_count() <= 6
    with Image.open(io.BytesIO(picture())) as turned:
        other = io.BytesIO()
        turned.transpose(Image.Transpose.ROTATE_180).save(other, "JPEG")
    assert (first ^ likeness(other.getvalue())).bit_count() > 16
    assert received(paper(), most_bytes=MOST).facts == Facts()


def test_what_a_page_shows_stays_on_it() -> None:
    kept = received(paper(papers.stamp, pages=2), most_bytes=MOST).content
    with pikepdf.open(io.BytesIO(kept.data)) as made:
        assert len(made.pages) == 2
        shown = [page.Contents for page in made.pages]
        parts = list(shown[0]) if isinstance(shown[0], pikepdf.Array) else [shown[0]]
        assert papers.SEEN in b"".join(part.read_bytes() for part in parts)
        # The seal was the look of a field, and is now a drawing.
        assert [look.Subtype for look in made.pages[0].Resources.XObject.values()] == ["/Form"]
        assert "/Annots" not in made.pages[0]


def test_a_photo_within_a_pdf_is_still_the_photo() -> None:
    kept = received(paper(papers.photo), most_bytes=MOST).content
    with pikepdf.open(io.BytesIO(kept.data)) as made:
        held = pikepdf.PdfImage(made.pages[0].Resources.XObject.P).as_pil_image()
    with Image.open(io.BytesIO(picture())) as sent:
        assert held.size == sent.size
        assert held.resize((1, 1)).getpixel((0, 0)) == pytest.approx(
            sent.resize((1, 1)).getpixel((0, 0)), abs=6
        )


def test_a_limit_of_bytes_is_kept_before_anything_else() -> None:
    with pytest.raises(FileTooLarge):
        received(picture() + bytes(MOST), most_bytes=MOST)


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"media_type": files.PDF}, b"%PDF-1.7"),
        Answer({"media_type": files.JPEG}, b"<html>"),
        Answer({"media_type": "text/html"}, b"\xff\xd8\xff"),
        Answer({}, b"\xff\xd8\xff"),
        Answer({"refused": ["what"]}, b""),
    ],
)
def test_a_process_that_was_taken_over_is_not_believed(answer, monkeypatch) -> None:
    monkeypatch.setattr(POOL, "redrawn", lambda data: answer)
    with pytest.raises(FileDamaged):
        received(picture(), most_bytes=MOST)


def test_facts_that_have_not_their_form_are_none(monkeypatch) -> None:
    told = {
        "media_type": files.JPEG,
        "taken_at": "2026-03-04T05:06:07",  # whose clock?
        "latitude": "21",
        "longitude": 1e9,
        "likeness": 2**64,
    }
    monkeypatch.setattr(POOL, "redrawn", lambda data: Answer(told, b"\xff\xd8\xff"))
    assert received(picture(), most_bytes=MOST).facts == Facts()


def test_every_reason_is_said_in_both_languages() -> None:
    from voucher_service.i18n.errors import say

    for code in files.FILE_REFUSALS:
        assert say(code, "zh")
        assert say(code, "en").startswith("Not taken")


def test_samples_have_names_of_their_own() -> None:
    every: list[Sample] = [*pictures.samples(), *papers.samples()]
    assert len({one.name for one in every}) == len(every)

"""Files that people hand in: judged by their content, kept without what the sender did not mean."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.services.applicants import photo
from tests.uploads.papers import paper, script
from voucher_service.infra import files
from voucher_service.infra.files import FileRefused, FileTooLarge


def test_a_picture_is_kept_without_what_the_camera_noted() -> None:
    for form in ("JPEG", "PNG"):
        kept = files.clean(photo((3000, 200), form), most_bytes=5_000_000)
        with Image.open(io.BytesIO(kept.data)) as picture:
            assert kept.media_type == "image/jpeg"
            assert max(picture.size) == 2_400
            assert not picture.getexif()
            assert b"camera of somebody" not in kept.data


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"GIF89a" + bytes(100),
        b"\xff\xd8\xff\xe0" + bytes(200),
        b"%PDF-1.4 cut off",
        photo()[:400],
    ],
)
def test_what_only_calls_itself_a_picture_is_refused(sent: bytes) -> None:
    with pytest.raises(FileRefused):
        files.clean(sent, most_bytes=5_000_000)


def test_a_small_file_that_is_a_huge_picture_is_refused() -> None:
    huge = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(huge, "PNG")
    assert len(huge.getvalue()) < 100_000
    with pytest.raises(FileRefused):
        files.clean(huge.getvalue(), most_bytes=5_000_000)
    with pytest.raises(FileTooLarge):
        files.clean(bytes(1_000_001), most_bytes=1_000_000)


def test_a_pdf_is_written_anew() -> None:
    kept = files.clean(paper(script), most_bytes=5_000_000)
    assert kept.media_type == files.PDF
    assert b"JavaScript" not in kept.data
    with pytest.raises(FileRefused):
        files.clean(b"%PDF-1.7\n1 0 obj\n%%EOF\n", most_bytes=1_000)

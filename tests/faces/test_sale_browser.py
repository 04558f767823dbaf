"""A unit is sold on small screens in a real Chromium: a barcode is read off a picture, a scanner
that types goes from box to box, and the holder's phone turns by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from PIL import Image, ImageDraw
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from tests.faces.test_bills_browser import OUTSIDE, opened
from tests.faces.test_unit_faces import app, claimed
from tests.make import World
from tests.tradein.counter import PHONE_GTIN, code_of, unit
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.face import Face

__all__ = ["app"]
_SHOTS = os.environ.get("SHOTS")
# The bars of a digit in the left half, and which half-digits are mirrored for each first digit.
_BARS = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011"
_SETS = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL"


def barcode(digits: str) -> bytes:
    """A picture of an EAN-13, by its standard."""
    of_left = _BARS.split()
    right = ["".join("10"[int(bit)] for bit in one) for one in of_left]
    sets = {"L": of_left, "G": [one[::-1] for one in right]}
    first, left, rest = int(digits[0]), digits[1:7], digits[7:]
    bars = "101" + "".join(
        sets[kind][int(digit)] for kind, digit in zip(_SETS.split()[first], left, strict=True)
    )
    bars += "01010" + "".join(right[int(digit)] for digit in rest) + "101"
    picture = Image.new("L", (len(bars) * 6 + 120, 300), 255)
    pen = ImageDraw.Draw(picture)
    for place, bar in enumerate(bars):
        if bar == "1":
            pen.rectangle((60 + place * 6, 40, 60 + place * 6 + 5, 260), fill=0)
    written = BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="module")
def faces(core: Core, app: Flask) -> Iterator[dict[Face, str]]:
    """The addresses of the running faces."""
    with serving(app) as till, serving(create_resident(core)) as phone:
        yield {Face.MERCHANT: till, Face.RESIDENT: phone}


def test_a_unit_is_scanned_quoted_locked_and_sold_while_the_phone_follows(
    chromium: Chromium, faces: dict[Face, str], world: World
) -> None:
    who, item = world.resident(), unit()
    mine = claimed(world, who)
    till, phone = (
        opened(chromium, world.core, faces[face], face, one)
        for face, one in ((Face.MERCHANT, world.cashier()), (Face.RESIDENT, who))
    )

    def look(name: str) -> None:
        for page, of in ((till, "till"), (phone, "phone")):
            assert page.evaluate(OUTSIDE) == [], (name, of)
            if _SHOTS:
                page.screenshot(path=Path(_SHOTS, f"{name}-{of}.png"), full_page=True)

    phone.goto(f"/trade-in/qualifications/{mine.id}")
    till.goto("/")
    till.fill("#f-code", code_of(world, mine))
    till.click("text=输金额")
    till.wait_for_selector("#f-gtin")
    word = till.inner_text(".ticket .name")
    look("1-unit")
    assert word
    till.locator("details[data-camera] summary").click()
    picture = {"name": f"{uuid4()}.png", "mimeType": "image/png", "buffer": barcode(PHONE_GTIN)}
    till.set_input_files("[data-photo] input", picture)
    expect(till.locator("#f-gtin")).to_have_value(PHONE_GTIN)
    look("2-read")
    till.focus("#f-serial")
    for number in (item["serial"], item["imei1"]):
        till.keyboard.type(number)
        till.keyboard.press("Enter")
    assert till.evaluate("document.activeElement.name") == "amount"
    till.keyboard.type("3000")
    till.keyboard.press("Enter")
    till.wait_for_selector("text=还没锁住")
    look("3-quote")
    till.click("text=锁住这份资格，再收钱")
    till.wait_for_selector(".result.lock")
    phone.wait_for_selector("text=请付给店员")
    look("4-locked")
    till.click("text=收到钱了，完成核销")
    till.wait_for_selector(".result.yes")
    phone.wait_for_selector("text=政府补了")
    look("5-sold")
    for page in (till, phone):
        page.context.close()

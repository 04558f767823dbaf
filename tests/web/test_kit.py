"""The kit in a real browser: readable in every mode, usable by everyone, within the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect

import admin
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.web.assets import BUNDLES, STATIC

TEMPLATES = Path(admin.__path__[0]) / "templates"
MODES: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {"theme": "dark"},
    "elder": {"mode": "elder"},
    "elder-dark": {"mode": "elder", "theme": "dark"},
    "english": {"lang": "en"},
}


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    with serving(app) as url:
        yield url


def _open(chromium: Browser, url: str, width: int, **cookies: str) -> tuple[Page, list[str]]:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies.items()]
    )
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    return page, said


@pytest.mark.parametrize("mode", MODES)
def test_the_kit_is_accessible_and_breaks_no_policy(
    chromium: Browser, address: str, mode: str
) -> None:
    page, said = _open(chromium, f"{address}/kit", 390, **MODES[mode])
    page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    faults = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
    assert faults == []
    assert said == []


@pytest.mark.parametrize("mode", MODES)
def test_nothing_scrolls_sideways_at_360_px_and_everything_can_be_tapped(
    chromium: Browser, address: str, mode: str
) -> None:
    page, _ = _open(chromium, f"{address}/kit", 360, **MODES[mode])
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        """[...document.querySelectorAll('.btn, .form-control, .tabs a, .pick span, .seg a')]
           .map((one) => [one.className, one.getBoundingClientRect().height])
           .filter(([, height]) => height > 0 && height < 48)"""
    )
    assert small == []


def test_a_clock_counts_and_a_form_is_sent_once(chromium: Browser, address: str) -> None:
    page, _ = _open(chromium, f"{address}/kit", 390)
    clock = page.locator(".clock").first
    assert re.fullmatch(r"03:24:1\d", clock.inner_text().replace("\n", ""))
    page.goto(f"{address}/sign-in")
    page.locator("button.btn-primary").click()
    page.wait_for_url(f"{address}/desk")


def test_paper_is_white_whatever_the_screen_is(chromium: Browser, address: str) -> None:
    page, _ = _open(chromium, f"{address}/kit", 794, theme="dark", mode="elder")
    page.emulate_media(media="print")
    shown = page.evaluate(
        """(() => { const style = getComputedStyle(document.body);
                    return [style.backgroundColor, style.color, style.fontSize]; })()"""
    )
    assert shown == ["rgb(255, 255, 255)", "rgb(0, 0, 0)", "14px"]


def test_pages_read_without_scripts(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/kit")
    assert page.locator(".clock time").first.is_visible()
    page.get_by_role("button", name="长辈版").first.click()
    expect(page.locator("html")).to_have_attribute("data-mode", "elder")


def test_chinese_has_glyphs(chromium: Browser, address: str) -> None:
    page, _ = _open(chromium, f"{address}/kit", 390)
    widths = page.evaluate(
        """['惠', '券'].map((text) => {
             const canvas = document.createElement('canvas').getContext('2d');
             canvas.font = '40px ' + getComputedStyle(document.body).fontFamily;
             canvas.fillText(text, 5, 45);
             return canvas.getImageData(0, 0, 60, 60).data.reduce((sum, one) => sum + one, 0);
           })"""
    )
    assert len(set(widths)) == 2, "both characters are drawn alike: no font has them"


def test_a_first_view_is_light(client: FlaskClient) -> None:
    page = client.get("/sign-in")
    addresses = re.findall(r'(?:href|src)="(/static/[^"#]+)', page.text)
    total = len(page.data)
    for one in set(addresses):
        total += len(client.get(one, headers={"Accept-Encoding": "gzip"}).data)
    assert total <= 100_000


def test_both_ways_into_the_dark_have_the_same_colours() -> None:
    text = (STATIC / "kit" / "tokens.css").read_text("utf-8")
    chosen = re.search(r"html\[data-bs-theme=dark\] \{(.*?)\n\}", text, re.S)
    system = re.search(
        r"prefers-color-scheme: dark\) \{ html:not\(.*?\) \{(.*?)\n\} \}", text, re.S
    )
    assert chosen
    assert system
    assert chosen[1].split() == system[1].split()


def test_text_stands_out_from_its_ground_in_both_modes() -> None:
    text = (STATIC / "kit" / "tokens.css").read_text("utf-8")
    dark = re.search(r"html\[data-bs-theme=dark\] \{(.*?)\n\}", text, re.S)
    assert dark
    for block in (text.split("html[data-bs-theme")[0], dark[1]):
        colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6});", block))
        for ink, ground in (
            ("ink", "ground"), ("ink-2", "surface"), ("ink-3", "ground"), ("on-action", "action"),
            ("action-text", "ground"), ("paper-ink", "paper"), ("paper-ink-2", "paper"),
            ("ok", "ok-soft"), ("warn", "warn-soft"), ("stop", "stop-soft"), ("wait", "wait-soft"),
            ("seal", "paper"),
        ):  # fmt: skip
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def test_text_stands_out_from_every_brand() -> None:
    text = (STATIC / "kit" / "brands.css").read_text("utf-8")
    pairs = re.findall(r"--brand: (#[0-9a-f]{3,6});\s+--on-brand: (#[0-9a-f]{3,6});", text)
    assert len(pairs) == 5
    assert all(_contrast(brand, ink) >= 4.5 for brand, ink in pairs)


def test_every_stylesheet_is_in_a_bundle_and_embeds_nothing() -> None:
    parts = {path.stem for path in (STATIC / "kit").glob("*.css")}
    assert parts == set().union(*BUNDLES.values())
    for path in (STATIC / "kit").glob("*.css"):
        assert "data:" not in path.read_text("utf-8").replace("`data:`", "")


def test_every_shape_of_a_chart_has_its_colour() -> None:
    drawn = "".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.html"))
    shapes = set(re.findall(r'class="([fkl]\d+s?)"', drawn))
    assert 'class="l{{ inks[' in drawn
    styled = "".join((STATIC / "kit" / f"{one}.css").read_text() for one in ("charts", "figures"))
    coloured = set(re.findall(r"^\.(\w+) \{\s+(?:fill|stroke|background):", styled, re.MULTILINE))
    assert shapes | {f"{kind}{ink}" for kind in "fkl" for ink in (1, 2, 3)} <= coloured


def _contrast(one: str, other: str) -> float:
    lights = sorted((_light(one), _light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

"""Two phones in a real Chromium: the cashier's camera films the resident's screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from merchant_portal.app import create_app as create_merchant
from tests.browser.camera import filming, picture_of
from tests.make import World
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.resident.app import create_app as create_resident
from voucher_service.vouchers import code as codes
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

AXE = MODULES / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
YANGXI = "441721"


@pytest.fixture(scope="module")
def addresses(core: Core) -> Iterator[dict[Face, str]]:
    """The residents' face and the shops', at work."""
    with ExitStack() as stack:
        yield {
            Face.RESIDENT: stack.enter_context(serving(create_resident(core))),
            Face.MERCHANT: stack.enter_context(serving(create_merchant(core))),
        }


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满200减80: worth enough to be frozen while the customer pays."""
    return world.offer(world.plan(quota=50, face=80, threshold=200))


class Street:
    """Where residents and cashiers hold their phones."""

    def __init__(
        self, world: World, chromium: Browser, addresses: dict[Face, str], film: Path
    ) -> None:
        self.world, self.chromium, self.addresses, self.film = world, chromium, addresses, film

    @contextmanager
    def phone(self, face: Face, who: Actor, browser: Browser | None = None) -> Iterator[Page]:
        """Somebody's phone, signed in; whatever its console calls an error fails the test."""
        base = self.addresses[face]
        context: BrowserContext = (browser or self.chromium).new_context(
            viewport=PHONE, locale="zh-CN", base_url=base, timezone_id="Asia/Shanghai"
        )
        context.set_default_timeout(10_000)
        assert who.id
        token = issue(self.world.core, face, who.id).access_token
        context.add_cookies([{"name": face.cookie, "value": token, "url": base}])
        if face is Face.MERCHANT:
            context.grant_permissions(["camera"], origin=base)
        page = context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        context.close()
        assert said == []

    @contextmanager
    def till(self, sees: Image.Image, cashier: Actor | None = None) -> Iterator[Page]:
        """A cashier's phone whose camera sees a picture; it opens at the first screen."""
        with (
            filming(self.chromium.browser_type, sees, self.film) as browser,
            self.phone(Face.MERCHANT, cashier or self.world.cashier(), browser) as page,
        ):
            page.goto("/")
            yield page


@pytest.fixture
def street(world: World, chromium: Browser, addresses: dict[Face, str], tmp_path: Path) -> Street:
    """The street of this test."""
    return Street(world, chromium, addresses, tmp_path / "film.mjpeg")


def screen_of(phone: Page, voucher: Voucher) -> Image.Image:
    """What a camera would see of the code on a resident's phone."""
    phone.goto(f"/vouchers/{voucher.id}")
    return Image.open(BytesIO(phone.locator(".qr").screenshot()))


def type_amount(till: Page, amount: str) -> None:
    """Press the keys of the pad, and the tall one."""
    till.wait_for_selector("#f-amount")
    for key in amount:
        till.locator(f".key[value='{key}']").click()
    till.locator(".pad .btn-primary").click()


def test_claim_scan_freeze_commit_and_both_screens_agree(street: Street, offer: Offer) -> None:
    me = street.world.resident()
    with street.phone(Face.RESIDENT, me) as phone:
        phone.goto("/")
        phone.locator(f"form[action='/offers/{offer.slug}/claim'] button").click()
        phone.get_by_role("link", name="去使用").click()
        phone.wait_for_selector(".qr")
        word = phone.locator(".match b").inner_text()
        seen = Image.open(BytesIO(phone.locator(".qr").screenshot()))
        with street.till(seen) as till:
            type_amount(till, "250")
            expect(till.locator(".result.lock")).to_contain_text("¥170.00")
            expect(till.locator(".result.lock")).to_contain_text(word)
            expect(phone.get_by_role("heading", name="店员正在核销")).to_be_visible()
            expect(phone.locator(".receipt .match")).to_contain_text(word)
            shop = phone.locator(".receipt .facts").inner_text()
            assert "门店" in shop and "¥250.00" in shop and "−¥80.00" in shop
            assert "170" in phone.locator(".receipt .face").inner_text()
            till.get_by_role("button", name="收到钱了，完成核销").click()
            expect(till.locator(".result.yes")).to_contain_text("¥170.00")
            expect(phone.locator(".seal")).to_contain_text("已核销")
            expect(phone.locator(".receipt")).to_contain_text("¥170.00")
            turned: list[str] = []
            phone.on("framenavigated", lambda frame: turned.append(frame.url))
            phone.wait_for_timeout(2_200)
            assert turned == []  # what is on the screen stays there
            assert word in till.locator(".word").inner_text()
            assert word in phone.locator(".match").inner_text()


def test_the_customer_unlocks_what_is_not_theirs_and_the_till_says_so(
    street: Street, offer: Offer
) -> None:
    me = street.world.resident()
    voucher = street.world.claim(offer, me)
    with (
        street.phone(Face.RESIDENT, me) as phone,
        street.till(screen_of(phone, voucher)) as till,
    ):
        type_amount(till, "250")
        phone.get_by_role("button", name="不是我，解锁").click()
        expect(till.locator(".result.no")).to_contain_text("顾客在手机上解的锁")
        expect(phone.locator(".alert").first).to_contain_text("券没有用掉")
        expect(phone.locator(".qr")).to_be_visible()


def test_a_phone_that_slept_catches_up_when_it_wakes(street: Street, offer: Offer) -> None:
    me = street.world.resident()
    voucher = street.world.claim(offer, me)
    with street.phone(Face.RESIDENT, me) as phone:
        phone.add_init_script(
            "Object.defineProperty(document, 'hidden', {get: () => window.asleep})"
        )
        phone.goto(f"/vouchers/{voucher.id}")
        phone.evaluate("window.asleep = true")
        street.world.redeem(voucher, order_fen=25_000)
        phone.wait_for_timeout(1_500)
        expect(phone.locator(".qr")).to_be_visible()
        phone.evaluate("window.asleep = false")
        phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(phone.locator(".seal")).to_contain_text("已核销")


@pytest.mark.parametrize("choice", ["", "theme=dark", "mode=elder", "lang=en"])
def test_the_locked_voucher_reads_well_on_a_small_phone(
    street: Street, offer: Offer, choice: str
) -> None:
    world, me = street.world, street.world.resident()
    voucher = world.claim(offer, me)
    redemption.freeze(
        world.core,
        actor=world.cashier(),
        code=world.code(voucher),
        order=Order(Money.of_yuan(250), uuid4().hex),
        key=uuid4().hex,
    )
    with street.phone(Face.RESIDENT, me) as phone:
        phone.set_viewport_size({"width": 360, "height": 740})
        if choice:
            name, value = choice.split("=")
            base = street.addresses[Face.RESIDENT]
            phone.context.add_cookies([{"name": name, "value": value, "url": base}])
        phone.goto(f"/vouchers/{voucher.id}")
        button = phone.locator("form[action$='/release'] button")
        box = button.bounding_box()
        assert box and box["height"] >= 47.5
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        phone.evaluate(AXE.read_text("utf-8"))
        rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
        found = phone.evaluate(f"axe.run({rules}).then(r => r.violations.map(v => v.id))")
        assert found == []


Picture = Callable[[Street, Offer, Voucher, Actor], Image.Image]


def replayed(street: Street, _offer: Offer, voucher: Voucher, me: Actor) -> Image.Image:
    """The very picture of a code that was redeemed."""
    code = street.world.code(voucher)
    street.world.redeem(voucher, code=code, order_fen=25_000)
    return picture_of(code)


def spent(street: Street, _offer: Offer, voucher: Voucher, _me: Actor) -> Image.Image:
    """A fresh code of a voucher that was redeemed elsewhere."""
    code = street.world.code(voucher)
    street.world.redeem(voucher, order_fen=25_000)
    return picture_of(code)


def screenshot(street: Street, _offer: Offer, voucher: Voucher, _me: Actor) -> Image.Image:
    """A code of five minutes ago."""
    then = Clock(street.world.now() - timedelta(minutes=5))
    return picture_of(World(with_clock(street.world.core, then)).code(voucher))


def expired(street: Street, _offer: Offer, _voucher: Voucher, me: Actor) -> Image.Image:
    """A code of now, for a voucher whose days are over."""
    then = World(with_clock(street.world.core, Clock(street.world.now() - timedelta(days=3))))
    old = then.claim(then.offer(then.plan(quota=5, valid_days=1)), me)
    seconds = street.world.core.settings.till.code_window_seconds
    window = codes.window_of(street.world.now(), seconds)
    made = codes.make(
        street.world.core.keyring, code_ref=old.code_ref, window=window, window_seconds=seconds
    )
    return picture_of(made.text)


def forged(street: Street, _offer: Offer, voucher: Voucher, _me: Actor) -> Image.Image:
    """A code with one letter changed."""
    code = street.world.code(voucher)
    return picture_of(code[:20] + ("A" if code[20] != "A" else "B") + code[21:])


def wrong_shop(street: Street, _offer: Offer, _voucher: Voucher, me: Actor) -> Image.Image:
    """A voucher of another county."""
    world = street.world
    other = world.offer(world.plan(quota=5, areas=(YANGXI,)))
    return picture_of(world.code(world.claim(other, me)))


@pytest.mark.parametrize(
    ("picture", "code", "words"),
    [
        (replayed, "code_used", "码扫过了"),
        (spent, "already_redeemed", "用过了"),
        (screenshot, "code_expired", "码过时了"),
        (expired, "voucher_expired", "券过期了"),
        (forged, "code_invalid", "不是券码"),
        (wrong_shop, "shop_not_in_scope", "这个地区不能用"),
    ],
)
def test_each_bad_code_has_its_own_refusal(
    street: Street, offer: Offer, picture: Picture, code: str, words: str
) -> None:
    me = street.world.resident()
    seen = picture(street, offer, street.world.claim(offer, me), me)
    with street.till(seen) as till:
        refusal = till.locator(".result.no")
        expect(refusal).to_contain_text(words)
        expect(refusal).to_contain_text(code)


def test_a_bill_below_the_threshold_says_what_is_missing(street: Street, offer: Offer) -> None:
    voucher = street.world.claim(offer)
    with street.till(picture_of(street.world.code(voucher))) as till:
        type_amount(till, "183.5")
        expect(till.locator(".result.no")).to_contain_text("¥16.50")
        expect(till.locator(".result.no")).to_contain_text("below_threshold")


def test_what_is_no_code_of_ours_is_not_sent(street: Street) -> None:
    with street.till(picture_of("https://example.org/pay?x=1")) as till:
        expect(till.locator("[data-hint]")).to_contain_text("这不是消费券的码")
        assert till.url.endswith("/")


def test_a_photo_is_read_where_there_is_no_camera(
    street: Street, offer: Offer, tmp_path: Path
) -> None:
    voucher = street.world.claim(offer)
    photo = tmp_path / "photo.png"
    picture_of(street.world.code(voucher)).save(photo)
    with street.phone(Face.MERCHANT, street.world.cashier()) as till:
        sent: list[int] = []
        till.on("request", lambda one: sent.append(len(one.post_data or "")))
        till.goto("/")
        till.set_input_files("[data-photo] input", photo)
        till.wait_for_selector("#f-amount")
        assert max(sent) < 1_000  # the code, never the picture
        assert re.search("满200", till.locator(".ticket").inner_text())

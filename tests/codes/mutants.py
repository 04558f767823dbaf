"""Ways to tamper with a live code, each named by what a forger or a bad scanner does to it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from voucher_service.infra.secrets import Keyring
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import short_code

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Each letter, then what looks like it: Cyrillic, Greek, full width, the Kelvin sign, figures.
_GROUPS = "AАΑＡ BВΒ8 CСⅭ EЕΕ HНΗ KКΚ\u212a MМΜ OОΟ0 PРΡ SЅ5 TТΤ XХΧ I1Іl 2２Z 7７"
LOOK_ALIKES = {group[0]: group[1:] for group in _GROUPS.split()}
SPACES = (" ", "\t", "\n", "\u00a0", "\u200b", "\u2060", "\ufeff", "\u3000", "-", "\x00")


@dataclass(frozen=True)
class Live:
    """A voucher's codes at one moment, each of them good; `void` is a print that is no more."""

    code_ref: int
    window: int
    long: str
    short: str
    paper: str
    void: str

    @property
    def texts(self) -> tuple[str, str, str]:
        """The three forms."""
        return self.long, self.short, self.paper


@dataclass(frozen=True)
class Stock:
    """What a forger has: live codes, and somebody else's key under every number."""

    live: list[Live]
    keyring: Keyring
    stranger: Keyring
    window_seconds: int

    def text(self, random: Random) -> str:
        """One live code in one of its forms."""
        return random.choice(random.choice(self.live).texts)


Mutate = Callable[[Stock, Random], str]


def _raw(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def _spelt(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def _of_bytes(stock: Stock, random: Random) -> bytearray:
    one = random.choice(stock.live)
    return bytearray(_raw(random.choice((one.long, one.paper))))


def bits_flipped(stock: Stock, random: Random) -> str:
    """One to four bits of the bytes."""
    raw = _of_bytes(stock, random)
    for place in random.sample(range(len(raw) * 8), random.randint(1, 4)):
        raw[place // 8] ^= 1 << place % 8
    return _spelt(raw)


def characters_changed(stock: Stock, random: Random) -> str:
    """One to three characters for others of the same alphabet."""
    text = list(stock.text(random))
    alphabet = short_code.ALPHABET if len(text) == short_code.LENGTH else BASE32
    for place in random.sample(range(len(text)), random.randint(1, 3)):
        text[place] = random.choice(alphabet.replace(text[place], ""))
    return "".join(text)


def characters_swapped(stock: Stock, random: Random) -> str:
    """Two neighbours in each other's place."""
    text = list(stock.text(random))
    place = random.randrange(len(text) - 1)
    text[place], text[place + 1] = text[place + 1], text[place]
    return "".join(text)


def other_case(stock: Stock, random: Random) -> str:
    """Small letters, all or some."""
    text = stock.text(random)
    if random.random() < 0.5:
        return text.lower()
    return "".join(one.lower() if random.random() < 0.3 else one for one in text)


def other_spelling(stock: Stock, random: Random) -> str:
    """The same bytes, spelt otherwise: other last characters, base16, base64 and more."""
    one = random.choice(stock.live)
    text = random.choice((one.long, one.paper))
    raw = _raw(text)
    spelt = (
        text[:-1] + random.choice(BASE32),
        raw.hex().upper(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        base64.b32hexencode(raw).decode().rstrip("="),
        base64.b85encode(raw).decode(),
    )
    return random.choice(spelt)


def padded(stock: Stock, random: Random) -> str:
    """With padding, before or behind."""
    text, signs = stock.text(random), "=" * random.randint(1, 6)
    return random.choice((text + signs, signs + text, text[:-1] + "="))


def look_alikes(stock: Stock, random: Random) -> str:
    """Letters of other alphabets, full width, figures for letters."""
    text = stock.text(random)
    places = [place for place, one in enumerate(text) if one in LOOK_ALIKES]
    for place in random.sample(places, min(len(places), random.randint(1, 3))):
        text = text[:place] + random.choice(LOOK_ALIKES[text[place]]) + text[place + 1 :]
    return text


def spaced(stock: Stock, random: Random) -> str:
    """Blanks, hyphens and what can't be seen, anywhere: the API takes one spelling only."""
    text = stock.text(random)
    for _ in range(random.randint(1, 3)):
        place = random.randint(0, len(text))
        text = text[:place] + random.choice(SPACES) + text[place:]
    return text


def cut_short(stock: Stock, random: Random) -> str:
    """Some characters missing at an end or in the middle."""
    text = stock.text(random)
    start = random.randrange(len(text))
    return text[:start] + text[start + random.randint(1, len(text)) :]


def run_together(stock: Stock, random: Random) -> str:
    """Two codes, or one and a part of another."""
    first, second = stock.text(random), stock.text(random)
    return random.choice((first + second, first + second[:5], second[-5:] + first, first * 2))


def other_version(stock: Stock, random: Random) -> str:
    """Another first byte: the other form's, and those of times to come."""
    raw = _of_bytes(stock, random)
    raw[0] = random.choice([one for one in range(256) if one != raw[0]])
    return _spelt(raw)


def other_key(stock: Stock, random: Random) -> str:
    """Another key number, or all of it signed with a key that is not ours."""
    one = random.choice(stock.live)
    if random.random() < 0.5:
        raw = _of_bytes(stock, random)
        raw[1] = random.choice([number for number in range(256) if number != raw[1]])
        return _spelt(raw)
    made = codes.make(
        stock.stranger,
        code_ref=one.code_ref,
        window=one.window,
        window_seconds=stock.window_seconds,
    )
    return random.choice((made.text, made.short))


def window_moved(stock: Stock, random: Random) -> str:
    """Signed by us, for another time: an old screenshot, or a code of tomorrow."""
    one = random.choice(stock.live)
    away = random.choice((-1, 1)) * random.choice((2, 3, 5, 10, 19, 60, 2_880, 1_000_000))
    made = codes.make(
        stock.keyring,
        code_ref=one.code_ref,
        window=one.window + away,
        window_seconds=stock.window_seconds,
    )
    return random.choice((made.text, made.short))


def window_rewritten(stock: Stock, random: Random) -> str:
    """An old code with today's window written into it."""
    raw = bytearray(_raw(random.choice(stock.live).long))
    raw[10:14] = random.randrange(2**32).to_bytes(4, "big")
    return _spelt(raw)


def halves_joined(stock: Stock, random: Random) -> str:
    """The beginning of one live code and the end of another of the same form."""
    one, other = random.sample(stock.live, 2)
    form = random.randrange(3)
    first, second = one.texts[form], other.texts[form]
    place = random.randint(1, len(first) - 1)
    return first[:place] + second[place:]


def void_print(stock: Stock, random: Random) -> str:
    """A paper voucher that was printed anew."""
    return random.choice(stock.live).void


def made_up(stock: Stock, random: Random) -> str:
    """Any characters of a form's alphabet, as many as it has."""
    one = random.choice(stock.live)
    text = random.choice(one.texts)
    alphabet = short_code.ALPHABET if text == one.short else BASE32
    return "".join(random.choices(alphabet, k=len(text)))


KINDS: tuple[Mutate, ...] = (
    bits_flipped,
    characters_changed,
    characters_swapped,
    other_case,
    other_spelling,
    padded,
    look_alikes,
    spaced,
    cut_short,
    run_together,
    other_version,
    other_key,
    window_moved,
    window_rewritten,
    halves_joined,
    void_print,
    made_up,
)

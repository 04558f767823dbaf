"""Files made from samples by chance: bits flipped, parts lost, doubled, overwritten, exchanged."""

from __future__ import annotations

from random import Random

from tests.uploads.sample import GONE

# Longer ones cost time and tell nothing that shorter ones do not.
_LONGEST = 40_000
_WORDS = (
    b"\xff\xd9", b"\xff\xd8\xff\xe1", b"\xff\xda", b"\xff\xc4", b"\xff\xff\xff\xff", b"\0\0\0\0",
    b"\x7f\xff\xff\xff", b"IHDR", b"IDAT", b"acTL", b"eXIf", b"endobj", b"endstream", b"obj",
    b"/Type /ObjStm", b"/Length 999999999", b"/Filter /DCTDecode", b"/Filter /JPXDecode",
    b"/Kids [3 0 R 3 0 R]",
    b"/OpenAction << /S /JavaScript /JS (" + GONE + b") >>", b"/AA 1 0 R", b"/F (" + GONE + b")",
    b"/Contents [1 0 R 2 0 R 4 0 R]", b"/Width 70000",
    b"/DecodeParms << /Predictor 15 /Columns 99999 >>",
    b"<html><script>" + GONE + b"</script>", b"%%EOF", b"-1", b"99999999999", b"<<", b">>", b"[",
)  # fmt: skip


def mutant(random: Random, samples: list[bytes]) -> bytes:
    """One file, changed a few times."""
    fit = [one for one in samples if 8 < len(one) <= _LONGEST]
    made = bytearray(random.choice(fit))
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(made)) if made else 0
        upto = at + random.choice((1, 2, 8, 64, 1_024))
        kind = random.randrange(7)
        if kind == 0 and made:
            made[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            made[at:upto] = random.randbytes(len(made[at:upto]))
        elif kind == 2:
            del made[at:upto]
        elif kind == 3:
            made[at:at] = made[at:upto]
        elif kind == 4:
            word = random.choice(_WORDS)
            made[at : at + random.choice((0, len(word)))] = word
        elif kind == 5:
            other = random.choice(fit)
            made[at:upto] = other[random.randrange(len(other)) :][: upto - at]
        elif random.random() < 0.2:
            del made[at:]
    # Most are looked at by the library and not only by their first bytes.
    return bytes(made) if random.random() < 0.1 else fit_start(made, fit, random)


def fit_start(made: bytearray, fit: list[bytes], random: Random) -> bytes:
    """With the first and last bytes of a file that is looked into."""
    if made[:3] in (b"%PD", b"\xff\xd8\xff", b"\x89PN"):
        return bytes(made)
    return random.choice((b"%PDF-1.7\n", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n")) + bytes(made)

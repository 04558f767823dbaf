"""PDFs that hurt, and some that do not."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image

from tests.uploads.pictures import HTML, archive, picture, zeros
from tests.uploads.sample import GONE, Sample

PDF = "application/pdf"
SEEN = b"BT /F1 24 Tf 72 720 Td (paid in full) Tj ET"
_MARK = String(GONE.decode())


def paper(add: Callable[[Pdf], object] = lambda made: None, pages: int = 1, **how: Any) -> bytes:
    """A document with text on every page, and whatever is added to it."""
    with pikepdf.new() as made:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        for _ in range(pages):
            page = made.add_blank_page()
            page.Resources = Dictionary(Font=Dictionary(F1=font))
            page.Contents = made.make_stream(SEEN)
        made.docinfo[Name.Title] = _MARK
        add(made)
        out = io.BytesIO()
        options = {"object_stream_mode": pikepdf.ObjectStreamMode.disable, "static_id": True}
        made.save(out, **(options | how))
    return out.getvalue()


def script(made: Pdf) -> None:
    """JavaScript at opening, by name, on the page and under a link."""
    act = Dictionary(S=Name.JavaScript, JS=_MARK)
    made.Root.OpenAction = act
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), act])))
    made.pages[0].AA = Dictionary(O=act)
    link(made, act)


def link(made: Pdf, act: Dictionary) -> None:
    """Somewhere to click."""
    box = Array([0, 0, 100, 100])
    one = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=box, A=act, Contents=_MARK)
    made.pages[0].Annots = Array([made.make_indirect(one)])


def launch(made: Pdf) -> None:
    """A program to start."""
    link(made, Dictionary(S=Name.Launch, F=String("cmd.exe"), Win=Dictionary(P=_MARK)))


def address(made: Pdf) -> None:
    """A web address."""
    link(made, Dictionary(S=Name.URI, URI=_MARK))


def attachment(made: Pdf) -> None:
    """A file within, by name, beside the page and beside its picture."""
    made.attachments["a.exe"] = pikepdf.AttachedFileSpec(made, b"MZ" + GONE)
    held = made.make_stream(GONE, Type=Name.EmbeddedFile)
    spec = made.make_indirect(Dictionary(Type=Name.Filespec, EF=Dictionary(F=held)))
    made.pages[0].AF = Array([spec])
    photo(made)
    made.pages[0].Resources.XObject.P.AF = Array([spec])
    made.pages[0].Resources.Properties = Dictionary(
        M=Dictionary(S=Name.Launch, F=_MARK, Next=Dictionary(S=Name.JavaScript, JS=_MARK))
    )


def photo(made: Pdf, data: bytes = b"", codec: str = "/DCTDecode", **more: Any) -> None:
    """A picture on the page, with HTML in its comment."""
    sent = data or picture(comment=HTML)
    held = made.make_stream(sent, Type=Name.XObject, Subtype=Name.Image, Width=96, Height=64)
    held.BitsPerComponent, held.ColorSpace, held.Filter = 8, Name.DeviceRGB, Name(codec)
    for key, value in more.items():
        held[f"/{key}"] = value
    made.pages[0].Resources.XObject = Dictionary(P=held)


def pictures_of_all_kinds(made: Pdf) -> None:
    """A palette, four inks, a fax, a JPEG 2000, and a large one without any codec."""
    photo(made)
    held = made.pages[0].Resources.XObject
    with Image.open(io.BytesIO(picture(size=(1_200, 1_000)))) as large:
        fax, wavelets = io.BytesIO(), io.BytesIO()
        large.convert("1").save(fax, "TIFF", compression="group4")
        large.resize((96, 64)).save(wavelets, "JPEG2000")
        plain = large.tobytes()
    with Image.open(io.BytesIO(fax.getvalue())) as strip:
        start, length = strip.tag_v2[273][0], strip.tag_v2[279][0]
        inverted = strip.tag_v2[262] == 0
    colours = Array([Name.Indexed, Name.DeviceRGB, 15, String(Random(1).randbytes(48))])
    told = Dictionary(K=-1, Columns=1_200, Rows=1_000, BlackIs1=not inverted)
    kinds = {
        "I": (bytes(range(16)) * 24, (16, 24), 8, colours, None),
        "C": (picture(mode="CMYK"), (96, 64), 8, Name.DeviceCMYK, Name.DCTDecode),
        "G": (
            fax.getvalue()[start:][:length],
            (1_200, 1_000),
            1,
            Name.DeviceGray,
            Name.CCITTFaxDecode,
        ),
        "J": (wavelets.getvalue(), (96, 64), 8, Name.DeviceRGB, Name.JPXDecode),
        "L": (plain, (1_200, 1_000), 8, Name.DeviceRGB, None),
    }
    for name, (data, size, depth, space, codec) in kinds.items():
        one = made.make_stream(data, Type=Name.XObject, Subtype=Name.Image, ColorSpace=space)
        one.Width, one.Height, one.BitsPerComponent = *size, depth
        if codec:
            one.Filter = codec
        held[f"/{name}"] = one
    held.C.Decode = Array([1, 0] * 4)
    held.G.DecodeParms = told
    draws = b"q 150 0 0 100 %d %d cm /%b Do Q"
    drawn = [
        draws % (50 + 200 * (at % 3), 300 + 150 * (at // 3), name.encode())
        for at, name in enumerate("PICGJL")
    ]
    made.pages[0].Contents.write(b"\n".join([SEEN, *drawn]))


def own_font(made: Pdf) -> None:
    """A font that comes with the document and does not pack."""
    program = made.make_stream(Random(5).randbytes(20_000))
    told = Dictionary(Type=Name.FontDescriptor, FontName=Name("/Own"), FontFile2=program)
    font = Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name("/Own"))
    font.FontDescriptor = made.make_indirect(told)
    made.pages[0].Resources.Font.F1 = made.make_indirect(font)


def form(made: Pdf) -> None:
    """A form that another program draws."""
    made.Root.AcroForm = Dictionary(Fields=Array(), XFA=made.make_stream(b"<xdp/>"))


def stamp(made: Pdf) -> None:
    """A seal, as signed invoices have one: the look of a field."""
    box = Array([0, 0, 10, 10])
    look = made.make_stream(b"0 0 10 10 re f", Type=Name.XObject, Subtype=Name.Form, BBox=box)
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=_MARK, F=4)
    field.Rect, field.AP = Array([50, 50, 150, 150]), Dictionary(N=look)
    one = made.make_indirect(field)
    made.pages[0].Annots = Array([one])
    made.Root.AcroForm = Dictionary(Fields=Array([one]), SigFlags=3)


def content(packed: bytes, *filters: str) -> Callable[[Pdf], None]:
    """A page that says this, packed so."""

    def add(made: Pdf) -> None:
        made.pages[0].Contents.write(packed, filter=Array([Name(one) for one in filters]))

    return add


def raw(*objects: bytes, trailer: bytes = b"", root: int = 1) -> bytes:
    """A document written by hand: its objects by number, from 1."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    told = (len(objects) + 1, root, trailer, start)
    return bytes(out + b"trailer << /Size %d /Root %d 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % told)


def stream(packed: bytes, told: bytes) -> bytes:
    """A packed stream with this in its dictionary."""
    head = b"<< /Length %d /Filter /FlateDecode %b >>" % (len(packed), told)
    return head + b"\nstream\n" + packed + b"\nendstream"


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"


def object_stream_bomb() -> bytes:
    """A catalogue within a stream of objects that unpacks to 256 MB, found by an xref stream."""
    held = stream(zeros(256 * 1_048_576), b"/Type /ObjStm /N 1 /First 4")
    out = bytearray(b"%PDF-1.7\n")
    at = len(out)
    out += b"1 0 obj\n" + held + b"\nendobj\n"
    start = len(out)
    rows = b"\0\0\0\0\0\0\0" + b"\1" + at.to_bytes(4, "big") + b"\0\0" + b"\2\0\0\0\1\0\0"
    rows += b"\1" + start.to_bytes(4, "big") + b"\0\0"
    told = b"/Type /XRef /W [1 4 2] /Size 4 /Root 2 0 R"
    out += b"3 0 obj\n" + stream(zlib.compress(rows), told) + b"\nendobj\nstartxref\n"
    return bytes(out + b"%d\n%%%%EOF\n" % start)


def samples() -> list[Sample]:
    """All of them."""
    return [*kept(), *refused(), *exhausting()]


def kept() -> list[Sample]:
    """Written anew, without what acts."""
    made = {
        "a PDF": paper(),
        "a PDF of 30 pages": paper(pages=30),
        "a PDF in streams of objects": paper(object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "a PDF that is HTML too": paper() + HTML,
        "a PDF that is a ZIP too": paper() + archive()[:300],
        "a PDF with a script": paper(script),
        "a PDF that starts a program": paper(launch),
        "a PDF with a web address": paper(address),
        "a PDF with files within": paper(attachment),
        "a PDF with a photo": paper(photo),
        "a PDF with pictures of all kinds": paper(pictures_of_all_kinds),
        "a PDF with a font of its own": paper(own_font),
        "a PDF with a seal": paper(stamp),
        "a PDF with restrictions only": paper(encryption=pikepdf.Encryption(owner="o", user="")),
        "a PDF whose text is noise": paper(content(Random(6).randbytes(9_000))),
        "a PDF without its table of objects": paper().replace(b"startxref", b"startxxxx"),
    }
    return [Sample(name, data, PDF) for name, data in made.items()]


def refused() -> list[Sample]:
    """Not taken, and why."""
    plain = paper()
    return [
        Sample(
            "a PDF with a password",
            paper(encryption=pikepdf.Encryption(owner="o", user="u")),
            "pdf_locked",
        ),
        Sample("a PDF that another program draws", paper(form), "pdf_form"),
        Sample("a PDF of 31 pages", paper(pages=31), "pdf_too_long"),
        Sample("HTML before a PDF", HTML + plain, "file_refused"),
        Sample("half a PDF", plain[: len(plain) // 2], "file_damaged"),
        Sample("only the ends of a PDF", b"%PDF-1.7\n1 0 obj\n%%EOF\n", "file_damaged"),
        Sample(
            "a PDF of noise", b"%PDF-1.7\n" + Random(8).randbytes(9_000) + b"%%EOF", "file_damaged"
        ),
        Sample(
            "a PDF without pages",
            raw(CATALOGUE, b"<< /Type /Pages /Kids [] /Count 0 >>"),
            "file_damaged",
        ),
        Sample(
            "a PDF whose pages are their own parent",
            raw(CATALOGUE, PAGES.replace(b"3 0", b"2 0")),
            "file_damaged",
        ),
        Sample("a PDF whose photo is none", paper(lambda made: photo(made, HTML)), "file_damaged"),
        Sample(
            "a PDF with a JBIG2 scan",
            paper(lambda made: photo(made, b"x" * 99, "/JBIG2Decode")),
            "file_damaged",
        ),
        Sample("a PDF with an unknown filter", paper(content(b"x", "/Own")), "file_damaged"),
    ]


def exhausting() -> list[Sample]:
    """Small, and made to cost."""
    bomb = zeros(256 * 1_048_576)
    twice = zlib.compress(bomb)
    many = b"".join(b"%d 0 R " % number for number in range(5, 21_000))
    deep = b"[" * 5_000 + b"]" * 5_000
    wide = raw(CATALOGUE, PAGES, PAGE, b"[" + many + b"]", *[b"null"] * 20_996)
    return [
        Sample("a PDF whose objects unpack to 256 MB", object_stream_bomb(), "file_damaged"),
        Sample(
            "a PDF whose page unpacks to 256 MB",
            paper(content(bomb, "/FlateDecode")),
            "file_damaged",
        ),
        Sample(
            "a PDF packed twice",
            paper(content(twice, "/FlateDecode", "/FlateDecode")),
            "file_damaged",
        ),
        Sample(
            "a PDF with a photo of 60,000 by 60,000",
            paper(lambda made: photo(made, Width=60_000, Height=60_000)),
            "file_too_demanding",
        ),
        Sample("a PDF of 21,000 objects", wide, "file_too_demanding"),
        Sample(
            "a PDF nested 5,000 deep",
            raw(CATALOGUE, PAGES, PAGE.replace(b"4 0 R", deep), b"<< >>"),
            "file_damaged",
        ),
    ]

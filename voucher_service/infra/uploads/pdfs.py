"""A PDF, written anew from what its pages show.

A new document is begun and takes over of each page what draws it; outlines, scripts, actions,
attachments, forms and metadata stay behind with the old one. Runs in the restricted process only.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, PdfImage, Stream, String, settings
from PIL import Image, Jpeg2KImagePlugin, TiffImagePlugin

from . import DAMAGED, FORM, LOCKED, TOO_DEMANDING, TOO_MANY_PAGES, Unfit
from .pictures import LONGEST, MOST_PIXELS, as_jpeg, on_white

# The readers of scans, loaded before files can't be opened any more.
_READERS = (Jpeg2KImagePlugin, TiffImagePlugin)
MOST_PAGES = 30
MOST_OBJECTS = 20_000
MOST_UNPACKED_BYTES = 64 * 1_048_576
MOST_NESTING = 64
_END = b"%%EOF"
# The end mark stands at the end: what was cut off has none there.
_TAIL = 2_048
# Of a page, what draws it; its size and resources may be inherited and are taken over by append.
_DRAWS = frozenset(
    {
        "/Type",
        "/MediaBox",
        "/CropBox",
        "/Rotate",
        "/UserUnit",
        "/Resources",
        "/Contents",
        "/Group",
    }
)
# Nowhere in what is kept: actions, files, other programs' data, other versions of a picture.
_NEVER = frozenset(
    {
        "/A",
        "/AA",
        "/AF",
        "/Alternates",
        "/EF",
        "/F",
        "/FDecodeParms",
        "/FFilter",
        "/JS",
        "/JavaScript",
        "/Metadata",
        "/Names",
        "/OPI",
        "/OpenAction",
        "/PieceInfo",
        "/PS",
        "/PtData",
        "/Ref",
        "/StructParent",
        "/StructParents",
        "/URI",
    }
)
# Layers that may be hidden, and whatever else was noted beside the text.
_LAYERS = "/Properties"
# The only words in clear: which collection of characters a font's numbers belong to.
_SAID, _COLLECTION = frozenset({"/Registry", "/Ordering"}), re.compile(rb"[A-Za-z0-9-]{1,32}")
# What says of which kind a dictionary is, and the kinds that are emptied.
_KINDS = ("/Type", "/Subtype", "/S")
_ACTS = frozenset(
    {
        "/Action",
        "/EmbeddedFile",
        "/F",
        "/Filespec",
        "/GoToE",
        "/GoToR",
        "/ImportData",
        "/JavaScript",
        "/Launch",
        "/Movie",
        "/PS",
        "/Rendition",
        "/ResetForm",
        "/RichMediaExecute",
        "/Sound",
        "/SubmitForm",
        "/URI",
    }
)
# Codecs whose bytes would be somebody else's: such pictures are unpacked and drawn anew.
_CODECS = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
_DEPTH = Name.BitsPerComponent
# A picture of more pixels is drawn anew as a photo, however it was packed.
_LARGE = 1_000_000
_UNREADABLE = (
    pikepdf.PdfError,
    pikepdf.PikepdfError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    ArithmeticError,
)


def limit() -> None:
    """Let the library give up early on files made to exhaust it; once in a process."""
    settings.set_qpdf_limits(
        parser_max_nesting=MOST_NESTING,
        parser_max_container_size=MOST_OBJECTS * 10,
        max_stream_filters=4,
        flate_max_memory=MOST_UNPACKED_BYTES,
        png_max_memory=MOST_UNPACKED_BYTES,
        tiff_max_memory=MOST_UNPACKED_BYTES,
        run_length_max_memory=MOST_UNPACKED_BYTES,
        dct_max_memory=MOST_UNPACKED_BYTES,
    )


def rewritten(data: bytes) -> bytes:
    """A PDF with the same pages and nothing that acts. Raises Unfit."""
    if _END not in data[-_TAIL:]:
        raise Unfit(DAMAGED)
    try:
        with pikepdf.open(io.BytesIO(data)) as source, pikepdf.new() as made:
            _take_over(source, made)
            _write_anew(made)
            out = io.BytesIO()
            made.save(
                out,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
                # As they were packed here, and not once more.
                compress_streams=False,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                deterministic_id=True,
            )
    except pikepdf.PasswordError as error:
        raise Unfit(LOCKED) from error
    except Image.DecompressionBombError as error:
        raise Unfit(TOO_DEMANDING) from error
    except _UNREADABLE as error:
        raise Unfit(DAMAGED) from error
    return out.getvalue()


def _take_over(source: Pdf, made: Pdf) -> None:
    if len(source.objects) > MOST_OBJECTS:
        raise Unfit(TOO_DEMANDING)
    if not 0 < len(source.pages) <= MOST_PAGES:
        raise Unfit(TOO_MANY_PAGES if len(source.pages) else DAMAGED)
    form = source.Root.get(Name.AcroForm)
    if isinstance(form, Dictionary) and Name.XFA in form:
        # Its pages only say that another program is needed; what was filled in is not on them.
        raise Unfit(FORM)
    if isinstance(form, Dictionary) and form.get(Name.NeedAppearances, False):
        source.generate_appearance_streams()
    # What is seen of fields, stamps and signatures becomes part of the page.
    source.flatten_annotations("screen")
    for page in source.pages:
        for key in set(page.obj.keys()) - _DRAWS:
            del page.obj[key]
        made.pages.append(page)


def _write_anew(made: Pdf) -> None:
    unpacked = 0
    for thing in list(made.objects):
        _bare(made, thing)
        if isinstance(thing, Stream):
            unpacked += _redraw(thing)
            if unpacked > MOST_UNPACKED_BYTES:
                raise Unfit(TOO_DEMANDING)


def _bare(made: Pdf, thing: Any) -> None:
    """Take what acts, hides or is in clear out of a thing and all that stands directly in it."""
    if isinstance(thing, Dictionary | Stream):
        kinds = {str(thing[key]) for key in _KINDS if key in thing}
        if kinds & _ACTS:
            _empty(thing)
            return
        for key in list(thing.keys()):
            if _is_dropped(key, thing[key], named=not kinds and isinstance(thing, Dictionary)):
                del thing[key]
            else:
                _below(made, thing[key])
    elif isinstance(thing, Array):
        for place, one in enumerate(thing):
            if isinstance(one, String):
                # A table of colours; it may as well be a stream.
                table = made.make_stream(b"")
                _pack(table, bytes(one))
                thing[place] = table
            else:
                _below(made, one)


def _below(made: Pdf, thing: Any) -> None:
    if isinstance(thing, Dictionary | Array) and not thing.is_indirect:
        _bare(made, thing)


def _is_dropped(key: str, value: Any, *, named: bool) -> bool:
    """`named`: the keys are a page's own names of its fonts and pictures, which may be any."""
    if isinstance(value, String):
        return key not in _SAID or _COLLECTION.fullmatch(bytes(value)) is None
    own = named and isinstance(value, Dictionary | Stream | Array)
    return key == _LAYERS or (key in _NEVER and not own)


def _empty(thing: Dictionary | Stream) -> None:
    for key in set(thing.keys()) - {"/Length"}:
        del thing[key]
    if isinstance(thing, Stream):
        thing.write(b"")


def _redraw(stream: Stream) -> int:
    """Write what a stream holds anew; how many bytes that is unpacked."""
    if stream.get(Name.Subtype) == Name.Image:
        pixels = int(stream.Width) * int(stream.Height)
        if pixels > MOST_PIXELS:
            raise Unfit(TOO_DEMANDING)
        if _CODECS & _filters(stream) or (pixels > _LARGE and stream.get(_DEPTH, 1) == 8):
            return _draw_anew(stream)
    content = stream.read_bytes()
    _pack(stream, content)
    return len(content)


def _filters(stream: Stream) -> set[str]:
    found = stream.get(Name.Filter, Array())
    return {str(one) for one in found} if isinstance(found, Array) else {str(found)}


def _draw_anew(stream: Stream) -> int:
    """A photo or a scan. Raises Unfit for what only the sender's own codec could tell."""
    if stream.get(Name.ImageMask, False):
        raise Unfit(DAMAGED)
    picture = PdfImage(stream).as_pil_image()
    if picture.mode not in {"L", "RGB"}:
        picture = picture.convert("L") if picture.mode == "1" else on_white(picture)
    picture.thumbnail((LONGEST, LONGEST))
    for key in (Name.Decode, Name.DecodeParms, Name.Intent, Name.SMaskInData):
        if key in stream:
            del stream[key]
    stream.Width, stream.Height = picture.size
    stream.BitsPerComponent = 8
    stream.ColorSpace = Name.DeviceGray if picture.mode == "L" else Name.DeviceRGB
    stream.write(as_jpeg(picture), filter=Name.DCTDecode)
    return picture.width * picture.height * len(picture.mode)


def _pack(stream: Stream, content: bytes) -> None:
    """As hexadecimal digits, packed: what does not pack by itself would stand there in clear."""
    if Name.DecodeParms in stream:
        del stream[Name.DecodeParms]
    packed = zlib.compress(content.hex().encode() + b">", 6)
    stream.write(packed, filter=Array([Name.FlateDecode, Name.ASCIIHexDecode]))

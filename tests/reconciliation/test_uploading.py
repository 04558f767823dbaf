"""A large file is written where it waits, read in the background, and taken or refused whole."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from admin.api import differences as limits
from tests.faces.admin_desk import Desk, send
from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from voucher_service.infra import spool
from voucher_service.infra.core import Core
from voucher_service.infra.spool import Incoming, StorageFull
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NotAllowed, TryAgain
from voucher_service.reconciliation.differences import importing, uploading
from voucher_service.reconciliation.differences.model import ChannelFileTooLarge
from voucher_service.reconciliation.differences.uploads import Upload, UploadStatus, UploadsWaiting
from voucher_service.web.uploads import READ_BYTES

Make = Callable[[], Channel]


def left(core: Core) -> list[str]:
    return sorted(one.name for one in spool.folder(core.settings).iterdir())


def keep(core: Core, actor: Actor, content: bytes) -> Upload:
    with Incoming(spool.folder(core.settings)) as incoming:
        incoming.write(content)
        return uploading.keep(
            core, actor=actor, format="wechat", file_name="bill.csv", incoming=incoming
        )


def test_a_kept_file_is_read_in_the_background_and_its_bytes_are_removed(
    channel: Make, stored: Core
) -> None:
    here = channel()
    here.order()
    here.lines.append(here.line(here.reference(), 700))
    waits = keep(stored, here.finance, written("wechat", here.lines))
    assert (waits.status, left(stored)) == (UploadStatus.WAITING, [str(waits.id)])
    assert [one.id for one in uploading.current(stored, actor=here.finance)] == [waits.id]
    assert uploading.take_waiting(stored) == 1
    done = uploading.get(stored, actor=here.finance, upload=waits.id)
    assert (done.status, done.read_percent, left(stored)) == (UploadStatus.TAKEN, 100, [])
    (difference,) = here.differences()
    assert (difference.file_id, difference.owner) == (done.file_id, here.finance.id)
    assert uploading.take_waiting(stored) == 0


def test_a_broken_file_is_refused_with_its_lines_and_nothing_is_kept(
    channel: Make, stored: Core
) -> None:
    here = channel()
    here.order()
    content = written("wechat", here.lines).replace(b"SUCCESS", b"PERHAPS")
    waits = keep(stored, here.finance, content)
    uploading.take_waiting(stored)
    done = uploading.get(stored, actor=here.finance, upload=waits.id)
    assert (done.status, done.file_id, left(stored)) == (UploadStatus.REFUSED, None, [])
    assert [one.id for one in uploading.current(stored, actor=here.finance)][-1] == waits.id
    assert done.refusal is not None
    assert (done.refusal["code"], done.refusal["lines"][0]["line"]) == ("channel_file_invalid", 2)


def test_a_reader_that_is_killed_begins_again_and_is_given_up_after_three_times(
    channel: Make, stored: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = channel()
    here.order()
    first = keep(stored, here.finance, written("wechat", here.lines))
    compare = importing.explaining.explained

    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(importing.explaining, "explained", killed)
    with pytest.raises(SystemExit):
        uploading.take_waiting(stored)
    assert left(stored) == [str(first.id)]
    monkeypatch.setattr(importing.explaining, "explained", compare)
    uploading.take_waiting(stored)
    done = uploading.get(stored, actor=here.finance, upload=first.id)
    assert (done.status, done.attempts) == (UploadStatus.TAKEN, 2)

    def away(*_: object, **__: object) -> None:
        raise TryAgain

    here.lines.append(here.line(here.reference(), 700))
    second = keep(stored, here.finance, written("wechat", here.lines))
    monkeypatch.setattr(importing.explaining, "explained", away)
    for _ in range(3):
        with pytest.raises(TryAgain):
            uploading.take_waiting(stored)
    uploading.take_waiting(stored)
    done = uploading.get(stored, actor=here.finance, upload=second.id)
    assert (done.status, done.refusal) == (
        UploadStatus.REFUSED,
        {"code": "channel_upload_broken", "params": {}},
    )


def test_bytes_that_are_gone_are_said_to_be_lost(channel: Make, stored: Core) -> None:
    here = channel()
    waits = keep(stored, here.finance, b"anything")
    spool.drop(spool.folder(stored.settings), waits.id)
    uploading.take_waiting(stored)
    done = uploading.get(stored, actor=here.finance, upload=waits.id)
    assert done.refusal is not None and done.refusal["code"] == "channel_upload_lost"


def test_only_so_many_files_wait_and_only_finance_of_the_city_sends_them(
    channel: Make, stored: Core, world: World
) -> None:
    here = channel()
    for content in (b"one", b"two"):
        keep(stored, here.finance, content)
    with pytest.raises(UploadsWaiting):
        keep(stored, here.finance, b"three")
    for other in (world.planner, world.staff(Role.FINANCE, area="441702")):
        with pytest.raises(NotAllowed):
            keep(stored, other, b"three")
    assert len(left(stored)) == 2
    while uploading.take_waiting(stored):
        pass
    assert left(stored) == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        spool.check_room(tmp_path, 1 << 60)
    incoming = Incoming(tmp_path)
    os.dup2(os.open("/dev/full", os.O_RDWR), incoming.fileno())
    with incoming, pytest.raises(StorageFull):
        incoming.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupted_request_left_is_swept_after_a_day(channel: Make, stored: Core) -> None:
    here = channel()
    waits = keep(stored, here.finance, b"waits")
    place = spool.folder(stored.settings)
    old, new = place / "coming-old", place / "coming-new"
    for one in (old, new):
        one.write_bytes(b"x")
    before = time.time() - 2 * 24 * 3600
    for one in (old, place / str(waits.id)):
        os.utime(one, (before, before))
    assert uploading.sweep(stored) == 1
    assert left(stored) == sorted([str(waits.id), "coming-new"])


class Unread(io.RawIOBase):
    """A body that nobody may read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise AssertionError("read")


def test_two_gigabytes_are_refused_by_their_length_before_a_byte_is_read(
    stored: Core, world: World
) -> None:
    desk, finance = Desk(world), world.staff(Role.FINANCE)
    assert finance.id is not None
    browser = desk.browser(finance)
    told = browser.post(
        "/channel-files",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(2 << 30), "wsgi.input": Unread()},
    )
    assert (told.status_code, "2,047 MB" in told.text) == (422, True)
    with pytest.raises(ChannelFileTooLarge):
        uploading.check_size(stored, 2 << 30)


def test_a_large_form_goes_to_the_folder_and_its_page_tells_how_far_it_is(
    channel: Make, stored: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = channel()
    here.order()
    monkeypatch.setattr(limits, "FILE_LIMIT_BYTES", 1_000)
    desk = Desk(World(stored))
    browser = desk.browser(here.finance)
    content = written("wechat", here.lines) + b"\r\n" * 1_000
    longer = content + (b" " * 60_000 + b"\n") * (READ_BYTES // 60_000 + 2)
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/channel-files").text)[
        :1
    ]
    parts = {"csrf_token": token.encode(), "format": b"wechat-2023"}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), told)
        for name, told in parts.items()
    )
    named = b'--x\r\nContent-Disposition: form-data; name="file"; filename="bill.csv"\r\n\r\n'
    sent = browser.post(
        "/channel-files",
        data=body + named + longer + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert sent.status_code == 303, sent.text
    path = sent.headers["Location"]
    assert path.startswith("/channel-files/uploads/")
    page = browser.get(path)
    assert (page.status_code, page.headers["Refresh"], "等前面的账单读完" in page.text) == (
        200,
        "5",
        True,
    )
    assert path in browser.get("/channel-files").text
    uploading.take_waiting(stored)
    assert browser.get(path).headers["Location"].startswith("/channel-files/")
    broken = content.replace(b"SUCCESS", b"PERHAPS")
    file = (io.BytesIO(broken), "bill.csv")
    sent = send(browser, "/channel-files", "/channel-files", format="wechat-2023", file=file)
    uploading.take_waiting(stored)
    told = browser.get(sent.headers["Location"])
    assert ("第 2 行" in told.text, "PERHAPS" in told.text, "Refresh" in told.headers) == (
        True,
        True,
        False,
    )
    assert left(stored) == []

"""A channel's file of any size is the body of a call; a disk that fills up leaves nothing of it."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from admin.api import channel_uploads
from admin.api import differences as limits
from admin.app import create_app
from tests.faces.admin_desk import Desk, refused, send
from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from tests.reconciliation.test_uploading import keep, left
from voucher_service import settings as settings_module
from voucher_service.infra import spool
from voucher_service.infra.core import Core
from voucher_service.infra.spool import Incoming, StorageAway
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of
from voucher_service.reconciliation.differences import service, uploading
from voucher_service.reconciliation.differences.model import ChannelFile
from voucher_service.reconciliation.differences.uploads import UploadStatus

Make = Callable[[], Channel]
PLACE = "/channel-files/uploads"


class Caller:
    """Another system of the bureau that sends files to the admin face."""

    def __init__(self, core: Core, here: Channel) -> None:
        self.desk, self.here = Desk(World(core)), here

    def send(self, content: bytes, said: int | None = None, **about: Any) -> TestResponse:
        """Send a body; `said` is the length that it says, where that is not its own."""
        length = len(content) if said is None else said
        return self.desk.app.test_client().post(
            f"/api/v1{PLACE}",
            headers=self.desk.bearer(about.pop("actor", self.here.finance)),
            content_type=about.pop("content_type", "text/csv"),
            query_string={"format": "wechat", "file_name": "bill.csv"} | about,
            environ_overrides={"CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(content)},
        )

    def ask(self, address: str) -> dict[str, Any]:
        """How far it is."""
        return dict(self.desk.get(self.here.finance, address.removeprefix("/api/v1")).json or {})


@pytest.fixture
def caller(channel: Make, stored: Core, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A caller at a face where forms above 1,000 bytes are large."""
    monkeypatch.setattr(limits, "FILE_LIMIT_BYTES", 1_000)
    here = channel()
    here.order()
    return Caller(stored, here)


def test_a_call_streams_a_file_and_asks_how_far_it_is(caller: Caller, stored: Core) -> None:
    caller.here.lines.append(caller.here.line(caller.here.reference(), 700))
    content = written("wechat", caller.here.lines)
    longer = content + b"\r\n" * (stored.settings.web.body_limit_bytes)
    sent = caller.send(longer)
    assert sent.status_code == 202, sent.json
    waits = caller.ask(sent.headers["Location"])
    assert (waits["status"], waits["size_bytes"], waits["file_id"], waits["refusal"]) == (
        "waiting",
        len(longer),
        None,
        None,
    )
    listed = caller.ask(PLACE)["items"]
    assert [one["id"] for one in listed][-1] == waits["id"]
    uploading.take_waiting(stored)
    done = caller.ask(sent.headers["Location"])
    assert (done["status"], done["read_bytes"]) == ("taken", len(longer))
    made = caller.ask(f"/channel-files/{done['file_id']}")
    assert (made["open"], made["counts"]["matched"]) == (1, 1)
    again = caller.send(longer, content_type="application/octet-stream")
    uploading.take_waiting(stored)
    refusal = caller.ask(again.headers["Location"])["refusal"]
    assert (refusal["code"], refusal["file_id"]) == ("channel_file_known", made["id"])
    assert left(stored) == []


def test_a_broken_file_is_refused_to_who_asks_with_its_lines(caller: Caller, stored: Core) -> None:
    content = written("wechat", caller.here.lines).replace(b"SUCCESS", b"PERHAPS")
    sent = caller.send(content)
    uploading.take_waiting(stored)
    refusal = caller.ask(sent.headers["Location"])["refusal"]
    assert refusal["code"] == "channel_file_invalid" and refusal["detail"]
    (line,) = refusal["lines"]
    assert "2" in line["where"] and "PERHAPS" in line["text"]


def test_what_is_not_a_whole_file_is_not_kept(caller: Caller, stored: Core) -> None:
    content = written("wechat", caller.here.lines)
    assert caller.send(content, said=len(content) + 1).status_code == 400
    refused(caller.send(content, content_type="text/html"), 415, "unsupported_media_type")
    refused(caller.send(content, said=2 << 30), 422, "channel_file_too_large")
    refused(caller.send(content, format="till"), 422, "channel_scope_invalid")
    refused(caller.send(content, last_day="2100-01-01"), 422, "channel_days_invalid")
    county = caller.here.world.staff(Role.FINANCE, area="441702")
    refused(caller.send(content, actor=county), 403, "not_allowed")
    headers = caller.desk.bearer(caller.here.finance)
    endless = caller.desk.app.test_client().post(
        f"/api/v1{PLACE}",
        query_string={"format": "wechat", "file_name": "bill.csv"},
        headers=headers,
        content_type="text/csv",
        environ_overrides={"wsgi.input": io.BytesIO(content), "wsgi.input_terminated": True},
    )
    refused(endless, 411, "length_required")
    assert (left(stored), uploading.take_waiting(stored)) == ([], 0)


def test_a_day_said_with_a_large_file_counts(caller: Caller, stored: Core) -> None:
    """At the desk and by a call, a file without a line is one of the day that was said."""
    quiet = day_of(caller.here.now()) - timedelta(days=500)
    sent = caller.send(written("wechat", []), day=str(quiet))
    assert caller.ask(sent.headers["Location"])["day"] == str(quiet)
    uploading.take_waiting(stored)
    done = caller.ask(sent.headers["Location"])
    made = caller.ask(f"/channel-files/{done['file_id']}")
    assert (made["first_day"], made["last_day"]) == (str(quiet), str(quiet))


def test_days_typed_at_the_desk_count_for_a_large_file(caller: Caller, stored: Core) -> None:
    here = caller.here
    browser, day = caller.desk.browser(here.finance), here.today().first
    before = day - timedelta(days=1)
    lines = [*here.lines, here.line(here.reference(), 700, days=-1)]
    file = (io.BytesIO(written("wechat", lines) + b"\r\n" * 1_000), "bill.csv")
    typed = {"format": "wechat-2023", "day": str(before), "last_day": str(day)}
    sent = send(browser, "/channel-files", "/channel-files", file=file, **typed)
    place = sent.headers["Location"]
    assert place.startswith("/channel-files/uploads/")
    uploading.take_waiting(stored)
    made = browser.get(place).headers["Location"].rpartition("/")[2]
    told = caller.ask(f"/channel-files/{made}")
    assert (told["first_day"], told["last_day"]) == (str(before), str(day))


class Filling(Incoming):
    """A file on a disk that has no more room once so much was written."""

    room = 100_000

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self.room:
            full = os.open("/dev/full", os.O_RDWR)
            os.dup2(full, self.fileno())
            os.close(full)
        return super().write(data)


@pytest.mark.parametrize("way", ["call", "form"])
def test_a_disk_that_fills_up_while_a_file_comes_in_leaves_nothing(
    caller: Caller, stored: Core, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(spool, "Incoming", Filling)
    monkeypatch.setattr(channel_uploads, "Incoming", Filling)
    content = written("wechat", caller.here.lines) + b"\r\n" * 100_000
    if way == "call":
        refused(caller.send(content), 503, "storage_full")
    else:
        browser = caller.desk.browser(caller.here.finance)
        file = (io.BytesIO(content), "bill.csv")
        told = send(browser, "/channel-files", "/channel-files", format="wechat-2023", file=file)
        assert (told.status_code, "放文件的地方不够" in told.text) == (503, True)
    assert (left(stored), uploading.take_waiting(stored)) == ([], 0)


@pytest.mark.parametrize("late", ["fsync", "link"])
def test_a_disk_that_says_only_at_the_end_that_it_is_full_leaves_nothing(
    caller: Caller, stored: Core, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, late, full)
    refused(caller.send(written("wechat", caller.here.lines)), 503, "storage_full")
    assert (left(stored), uploading.take_waiting(stored)) == ([], 0)


def test_a_reader_waits_for_another_import_and_does_not_give_up(
    caller: Caller, stored: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody imports at the desk for longer than a lock is usually waited for."""
    here = caller.here
    database = replace(stored.settings.database, lock_timeout_ms=200)
    quick = Core(replace(stored.settings, database=database), stored.clock)
    waits = keep(quick, here.finance, written("wechat", here.lines))
    read: list[int] = []
    reader = threading.Thread(target=lambda: read.append(uploading.take_waiting(quick)))

    def meanwhile(_session: object, _made: ChannelFile) -> None:
        reader.start()
        reader.join(0.6)

    service.take(
        stored,
        actor=here.finance,
        format="wechat",
        file_name="other.csv",
        source=io.BytesIO(written("wechat", [here.line(here.reference(), 700)])),
        end=meanwhile,
    )
    reader.join(20)
    done = uploading.get(stored, actor=here.finance, upload=waits.id)
    assert (read, done.status, done.attempts) == ([1], UploadStatus.TAKEN, 1)
    quick.close()


@contextmanager
def in_production(core: Core, folder: Path) -> Iterator[Core]:
    """The same city with the settings of a real one."""
    matching = replace(core.settings.matching, folder=str(folder))
    made = Core(replace(core.settings, env="production", matching=matching), core.clock)
    try:
        yield made
    finally:
        made.close()


def test_a_folder_that_is_away_loses_no_file(caller: Caller, stored: Core, tmp_path: Path) -> None:
    here, place = caller.here, tmp_path / "uploads"
    waits = keep(stored, here.finance, written("wechat", here.lines))
    place.rename(tmp_path / "elsewhere")
    with in_production(stored, place) as city:
        with pytest.raises(StorageAway):
            uploading.take_waiting(city)
        with pytest.raises(StorageAway):
            uploading.check_size(city, 1)
        (tmp_path / "elsewhere").rename(place)
        assert uploading.take_waiting(city) == 1
        done = uploading.get(city, actor=here.finance, upload=waits.id)
    assert (done.status, done.attempts) == (UploadStatus.TAKEN, 1)


@pytest.mark.parametrize("fault", ["missing", "a file", "not for us"])
def test_production_starts_with_a_folder_that_can_be_written(
    core: Core, tmp_path: Path, fault: str
) -> None:
    place = {"missing": tmp_path / "none", "a file": tmp_path / "file", "not for us": Path("/proc")}
    (tmp_path / "file").write_text("x")
    with (
        in_production(core, place[fault]) as city,
        pytest.raises(settings_module.SettingsError, match="VOUCHER__MATCHING__FOLDER"),
    ):
        create_app(city)
    with in_production(core, tmp_path) as city:
        spool.check_folder(city.settings)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file"]


def test_production_is_refused_without_a_folder() -> None:
    secret = {
        f"VOUCHER__SECRETS__{name}": "1:a-secret-of-its-own-that-is-long-enough"
        for name in (
            "TOKEN_KEY",
            "CODE_KEYS",
            "FIELD_KEYS",
            "LOOKUP_KEYS",
            "LEDGER_KEYS",
            "WEBHOOK_KEYS",
            "LOG_KEYS",
            "BACKUP_KEYS",
        )
    }
    servers = {f"VOUCHER__{one}__URL": "x://127.0.0.1/0" for one in ("DATABASE", "GATE", "QUEUE")}
    given = {"VOUCHER_ENV": "production"} | secret | servers
    with pytest.raises(settings_module.SettingsError, match="VOUCHER__MATCHING__FOLDER"):
        settings_module.load(given)
    folder = {"VOUCHER__MATCHING__FOLDER": "/srv/voucher"}
    assert settings_module.load(given | folder).matching.folder == "/srv/voucher"

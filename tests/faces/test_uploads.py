"""Files of every size reach a served face, and what is too large is said in the form."""

from __future__ import annotations

import http.client
import io
import json
import os
import random
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from werkzeug.test import EnvironBuilder

from tests.make import World
from tests.services.applicants import Applicant, admitted, applicant
from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.serving.programs import served
from voucher_service.settings import Settings
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

TARGET = "merchant_portal.wsgi:app"
MEGABYTE = 1_000_000


def noise(size: int) -> bytes:
    """A photo that no compression makes small, of about this size in bytes."""
    side = int((size / 3) ** 0.5)
    grains = random.Random(size).randbytes(side * side * 3)
    made = io.BytesIO()
    Image.frombytes("RGB", (side, side), grains).save(made, "PNG", compress_level=1)
    return made.getvalue()


def healthy(port: int) -> bool:
    """Whether the face answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def port(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where granian serves the merchant face, as in production."""
    data = tmp_path_factory.mktemp("served")
    free = ports.assign(data / "ports.json", ["merchant"])["merchant"]
    outside = {key: value for key, value in os.environ.items() if not key.startswith("VOUCHER")}
    environment = outside | {
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": settings.database.url,
        "VOUCHER__GATE__URL": settings.gate.url,
        "VOUCHER__QUEUE__URL": settings.queue.url,
    }
    options = ("--host", "127.0.0.1", "--port", str(free), "--workers", "1", "--no-ws")
    command = (sys.executable, "-m", "granian", *served(TARGET, 2), *options, TARGET)
    child = Child(data, "merchant", lambda: Launch(command, Path.cwd(), environment=environment))
    child.start()
    try:
        child.wait_until(partial(healthy, free), 60)
        yield free
    finally:
        child.stop(5)


class Reader:
    """Somebody with a browser at the served face."""

    def __init__(self, world: World, who: Applicant, port: int) -> None:
        assert who.actor.id is not None
        self.port = port
        self.token = issue(world.core, Face.MERCHANT, who.actor.id).access_token
        self.csrf = world.core.keyring.form_mac(self.token)

    def upload(self, path: str, content: bytes, name: str, **typed: str) -> tuple[int, str]:
        form = {"csrf_token": self.csrf, **typed, "file": (io.BytesIO(content), name)}
        made = EnvironBuilder(method="POST", data=form)
        environ = made.get_environ()
        with environ["wsgi.input"] as sent:
            body = sent.read()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "Content-Type": environ["CONTENT_TYPE"],
            "Cookie": f"{Face.MERCHANT.cookie}={self.token}",
            "Accept-Language": "zh-CN",
        }
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        told = answer.status, answer.read().decode()
        connection.close()
        made.close()
        return told


@pytest.mark.parametrize("megabytes", [0.03, 0.3, 1.7, 4.9])
def test_a_photo_up_to_five_megabytes_is_kept(world: World, port: int, megabytes: float) -> None:
    reader = Reader(world, applicant(world.core), port)
    photo = noise(int(megabytes * MEGABYTE))
    assert 0.9 * megabytes * MEGABYTE < len(photo) < 1.05 * megabytes * MEGABYTE
    status, page = reader.upload("/apply/documents", photo, "a.png", kind="licence")
    assert status == 303, page


@pytest.mark.parametrize("megabytes", [5.5, 20])
def test_a_larger_photo_is_refused_in_the_form(world: World, port: int, megabytes: float) -> None:
    reader = Reader(world, applicant(world.core), port)
    sent = random.Random(1).randbytes(int(megabytes * MEGABYTE))
    status, page = reader.upload("/apply/documents", sent, "a.png", kind="licence")
    assert (status, "5 MB" in page, 'id="e-file"' in page) == (422, True, True)


def test_an_empty_file_is_told_from_an_unreadable_one(world: World, port: int) -> None:
    reader = Reader(world, applicant(world.core), port)
    _, empty = reader.upload("/apply/documents", b"", "a.png", kind="licence")
    _, strange = reader.upload("/apply/documents", b"hello", "a.png", kind="licence")
    assert "这个文件是空的" in empty
    assert "这个文件是空的" not in strange


def test_a_tills_file_of_two_megabytes_is_compared(world: World, port: int) -> None:
    who, _ = admitted(world)
    reader = Reader(world, who, port)
    lines = ["订单号,时间,订单金额"]
    lines += [f"E-{'9' * 50}-{n:06},2026-11-20 12:00,12.50" for n in range(26_000)]
    text = "\n".join(lines).encode()
    assert len(text) > 1.9 * MEGABYTE
    days = {"first": "2026-11-20", "last": "2026-11-20"}
    status, page = reader.upload("/books/matchings", text, "till.csv", **days)
    assert status == 303, json.dumps(page[-2000:], ensure_ascii=False)


def test_what_was_typed_beside_a_file_that_is_too_large_stays(world: World, port: int) -> None:
    who, _ = admitted(world)
    reader = Reader(world, who, port)
    sent = b"x,y\n" * int(1.5 * MEGABYTE)
    status, page = reader.upload("/books/matchings", sent, "t.csv", first="2026-11-20")
    assert (status, "超过 5 MB" in page, 'value="2026-11-20"' in page) == (422, True, True)

"""The merchant face on its real server: too much is refused unread, the rest made anew."""

from __future__ import annotations

import http.client
import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.campaign.stand import quietly
from tests.make import World
from tests.services.applicants import applicant
from tests.uploads.pictures import HTML, photographed
from tests.uploads.sample import GONE
from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.infra.embedded.servers import GATE, QUEUE, Servers
from voucher_service.serving.programs import served
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

TARGET = "merchant_portal.wsgi:app"
MEGABYTE = 1_048_576
BOUNDARY = b"--part"


@dataclass(frozen=True)
class Shopkeeper:
    """Somebody who applies, at a face in a process of its own."""

    port: int
    child: Child
    token: str
    csrf: str

    def send(self, parts: Iterator[bytes], length: int | None) -> int:
        """Post a form piece by piece, as long as somebody listens; 0 when nobody answered."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.putrequest("POST", "/apply/documents")
            line.putheader("Cookie", f"voucher_merchant={self.token}")
            line.putheader("Content-Type", "multipart/form-data; boundary=part")
            if length is None:
                line.putheader("Transfer-Encoding", "chunked")
            else:
                line.putheader("Content-Length", str(length))
            line.endheaders()
            try:
                for part in parts:
                    line.send(part if length is not None else b"%x\r\n%b\r\n" % (len(part), part))
                if length is None:
                    line.send(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # it hung up: enough was sent
            try:
                return line.getresponse().status
            except (ConnectionResetError, http.client.BadStatusLine):
                return 0

    def hand_in(self, data: bytes) -> int:
        """Post one file."""
        body = self.head() + data + b"\r\n" + BOUNDARY + b"--\r\n"
        return self.send(iter([body]), len(body))

    def head(self) -> bytes:
        """A form up to where the file begins."""
        fields = {"csrf_token": self.csrf, "kind": "licence"}
        parts = [
            b'%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
            % (BOUNDARY, name.encode(), value.encode())
            for name, value in fields.items()
        ]
        file = b'%b\r\nContent-Disposition: form-data; name="file"; filename="a.html"\r\n\r\n'
        return b"".join([*parts, file % BOUNDARY])

    def get(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One page or file."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
            line.request("GET", path, headers={"Cookie": f"voucher_merchant={self.token}"})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()

    def peak_bytes(self) -> int:
        """The most memory that the face's processes ever had, all of them added up."""
        assert self.child.pid is not None
        return sum(_peak(pid) for pid in _family(self.child.pid))


def _family(root: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(said.rpartition(")")[2].split()[1])
    found = [root]
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1_024 if found else 0


@pytest.fixture(scope="module")
def shopkeeper(
    world: World, servers: Servers, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shopkeeper]:
    data = tmp_path_factory.mktemp("face")
    (port,) = ports.assign(data / "ports.json", ["merchant"]).values()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VOUCHER")}
    environment |= {
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": database_url,
        "VOUCHER__GATE__URL": servers.url(GATE),
        "VOUCHER__QUEUE__URL": servers.url(QUEUE),
    }
    command = (sys.executable, "-m", "granian", *served(TARGET, 4))
    command += ("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws", TARGET)
    child = Child(data, "merchant", lambda: Launch(command, Path.cwd(), environment=environment))
    who = applicant(world.core)
    assert who.actor.id is not None
    token = issue(world.core, Face.MERCHANT, who.actor.id).access_token
    found = Shopkeeper(port, child, token, world.core.keyring.form_mac(token))
    child.start()
    try:
        child.wait_until(lambda: quietly(lambda: found.get("/healthz")), 60)
        yield found
    finally:
        child.stop(5)


def test_a_photo_is_served_without_a_byte_of_the_one_sent(shopkeeper: Shopkeeper) -> None:
    assert shopkeeper.hand_in(photographed() + HTML) == 303
    status, headers, data = shopkeeper.get("/apply/documents/licence")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert GONE not in data
    assert "licence.jpg" in headers["Content-Disposition"]
    assert shopkeeper.hand_in(HTML) == 422


@pytest.mark.parametrize("told", [True, False], ids=["with its length", "in chunks"])
def test_a_hundred_megabytes_are_refused_and_never_held(shopkeeper: Shopkeeper, told: bool) -> None:
    assert shopkeeper.hand_in(photographed()) == 303
    before, block = shopkeeper.peak_bytes(), bytes(MEGABYTE)

    def parts() -> Iterator[bytes]:
        yield shopkeeper.head()
        for _ in range(100):
            yield block

    length = len(shopkeeper.head()) + 100 * MEGABYTE
    # A server may hang up on whoever goes on sending; then the answer is lost with the line.
    assert shopkeeper.send(parts(), length if told else None) in {0, 413}
    assert shopkeeper.peak_bytes() - before < 40 * MEGABYTE
    assert shopkeeper.get("/healthz")[0] == 200
    assert shopkeeper.hand_in(photographed()) == 303

"""The conformance check: green against our own face, red with the reason against one that isn't."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from tests.faces.own_till import OwnTill
from tests.faces.sandbox_stand import Stand, stand
from tests.make import World
from voucher_service.cli import main
from voucher_service.sandbox.model import Want


@pytest.fixture(scope="module")
def face(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Our own face with a sandbox."""
    with stand(world, tmp_path_factory.mktemp("till")) as found:
        yield found


def check(face: Stand, url: str = "", *more: str) -> Result:
    """One run."""
    words = ["pos-check", url or face.url, "--key", str(face.key), "--keyid", face.key_id, *more]
    return CliRunner().invoke(main, words)


def test_our_own_face_keeps_every_promise(face: Stand) -> None:
    done = check(face)
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    assert "left out" not in done.output


def test_a_server_without_idempotency_is_told_why(face: Stand) -> None:
    with forgetful() as url:
        done = check(face, url, "--no-wait")
    assert done.exit_code == 1
    row = next(one for one in done.output.splitlines() if "a retry with the same key" in one)
    assert "FAILED" in row
    assert "a retry with the same idempotency key made another redemption" in row
    assert "checks failed" in done.output


def test_a_server_that_is_away_is_said_so(face: Stand) -> None:
    done = check(face, "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "no answer from http://127.0.0.1:9" in done.output


def test_codes_to_try_are_for_the_sandboxs_tills_only(face: Stand, world: World) -> None:
    from merchant_portal.app import create_app

    stranger = OwnTill(create_app(world.core).test_client(), world)
    for want in Want:
        answer = stranger.post("/api/v1/sandbox/codes", {"want": str(want)})
        assert answer.status_code == 404


class forgetful:  # noqa: N801 - a context manager
    """A server that answers each redemption as if it were the first."""

    def __enter__(self) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(200, {"items": [redeemed()], "next": None})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                code = {"code": "X", "order_amount_fen": 12_000, "expect": {"status": 201}}
                self.answer(201, code if "sandbox" in self.path else redeemed())

            def answer(self, status: int, body: Any) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        def redeemed() -> dict[str, Any]:
            sums = {"discount_fen": 2_000, "payable_fen": 10_000, "net_paid_fen": 10_000}
            return {"id": uuid4().hex, "status": "committed", "refunded_fen": 0} | sums

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

"""The light way to a call that a crowd makes at once.

An ASGI application in front of a face's ordinary one. It answers the usual request of one route
without a thread and without the framework, with the same guard, headers, problem details, metrics
and log line. Whatever is unusual (no good token, a body, a cookie, no key) is left to the ordinary
route, so that each rule still stands in one place.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from a2wsgi import WSGIMiddleware
from flask import Flask, g
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.test import EnvironBuilder

from voucher_service.i18n import negotiate
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, Unauthenticated

from . import auth, evidence, idempotency, log, metrics, security
from .site import Site

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
_MOST_REFUSALS = 1_024


class LongWay(Exception):
    """This call is not for the light way; nothing has happened yet."""


@dataclass(frozen=True, slots=True)
class Created:
    """A 201: its JSON, and whether it repeats the first answer."""

    body: bytes
    replayed: bool = False


class Call:
    """One request on the light way."""

    __slots__ = ("_headers", "_peer", "_site", "key", "name", "subject")

    def __init__(
        self,
        site: Site,
        subject: UUID,
        name: str,
        key: str,
        *,
        headers: dict[bytes, bytes],
        peer: str | None,
    ) -> None:
        self._site, self._headers, self._peer = site, headers, peer
        self.subject, self.name, self.key = subject, name, key

    def actor(self) -> Actor:
        """Who calls, with the evidence of this request. The account is not read."""
        forwarded = self._headers.get(b"x-forwarded-for", b"").decode("latin-1")
        hops = self._site.core.settings.web.proxies
        return Actor(
            self._site.face.actor_kind,
            self.subject,
            evidence=evidence.of(
                evidence.address(forwarded, self._peer, hops),
                self._headers.get(b"x-device-id", b"").decode("latin-1"),
                self._headers.get(b"user-agent", b"").decode("latin-1"),
            ),
        )


Handler = Callable[[Call], Awaitable[Created | DomainError]]
"""Answers a call. May raise DomainError as well, and LongWay before anything has happened."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A POST route without a body: its rule, with one `<name>`, and who answers it."""

    rule: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    code: str | None
    headers: Headers
    body: bytes


class Express:
    """A face as an ASGI application: one route's usual requests here, all others by Flask.

    `threads`: how many requests Flask answers at once.
    """

    def __init__(self, app: Flask, lane: Lane, *, threads: int) -> None:
        self._app, self._lane = app, lane
        self._ordinary: Any = WSGIMiddleware(cast(Any, app), workers=threads)
        before, after = lane.rule.split("<name>")
        self._path = re.compile(f"{re.escape(before)}([^/]+){re.escape(after)}")
        self._refusals: dict[tuple[Any, ...], _Answer] = {}
        self._lines: list[str] = []
        self._site: Site = app.extensions["voucher"]
        self._fixed = _bytes(security.fixed_headers(production=self._site.core.settings.production))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""
        began = time.perf_counter()
        call, headers = self._usual(scope)
        if call is None:
            await self._ordinary(scope, _awaiting(receive), send)
            return
        accepted = headers.get(b"accept-language", b"")
        try:
            told = await self._lane.handler(call)
            if isinstance(told, Created):
                answer = _created(told)
            else:
                answer = self._refused(call, told, accepted)
        except LongWay:
            await self._ordinary(scope, _awaiting(receive), send)
            return
        except DomainError as refusal:
            answer = self._refused(call, refusal, accepted)
        except Exception as error:  # noqa: BLE001 - answered as the ordinary route answers it
            answer = self._rendered(call, error, accepted)
        request_id = log.request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        own = (
            (b"content-language", language(accepted).encode()),
            (b"x-request-id", request_id.encode()),
        )
        sent = [*answer.headers, *self._fixed, *own]
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        await send({"type": "http.response.body", "body": answer.body})
        self._count(answer, time.perf_counter() - began, request_id)

    def _usual(self, scope: Scope) -> tuple[Call | None, dict[bytes, bytes]]:
        """The call, when nothing about the request needs the ordinary route; its headers."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return None, {}
        path = self._path.fullmatch(scope["path"])
        if path is None:
            return None, {}
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = headers.get(b"idempotency-key", b"").decode("latin-1")
        token = auth.bearer(headers.get(b"authorization", b"").decode("latin-1"))
        if (
            token is None
            or not idempotency.well_formed(key)
            or headers.get(b"content-length", b"0") != b"0"
            or b"transfer-encoding" in headers
            or b"cookie" in headers
            or len(headers) != len(scope["headers"])
        ):
            return None, {}
        try:
            subject = auth.subject_of(self._site.core, self._site.face, token)
        except Unauthenticated:
            return None, {}
        peer = scope["client"][0] if scope.get("client") else None
        return Call(self._site, subject, path[1], key, headers=headers, peer=peer), headers

    def _refused(self, call: Call, refusal: DomainError, accepted: bytes) -> _Answer:
        """The same refusal in the same language is worded once."""
        if refusal.extra or refusal.retry_after_seconds is not None:
            return self._rendered(call, refusal, accepted)
        what = (refusal.code, language(accepted), *sorted(refusal.params.items()))
        answer = self._refusals.get(what)
        if answer is None:
            if len(self._refusals) >= _MOST_REFUSALS:
                self._refusals.clear()
            answer = self._refusals[what] = self._rendered(call, refusal, accepted)
        return answer

    def _rendered(self, call: Call, error: Exception, accepted: bytes) -> _Answer:
        """What the ordinary route would say of an error."""
        path = self._lane.rule.replace("<name>", call.name)
        builder = EnvironBuilder(
            path, method="POST", headers=[("Accept-Language", accepted.decode("latin-1"))]
        )
        with self._app.request_context(builder.get_environ()):
            response = self._app.make_response(self._app.handle_user_exception(error))
            own = _bytes(list(response.headers))
            return _Answer(response.status_code, g.get("code"), own, response.get_data())

    def _count(self, answer: _Answer, seconds: float, request_id: str) -> None:
        rule, face = self._lane.rule, self._site.face
        metrics.observe(self._app, "POST", rule, answer.status, seconds)
        line = log.request_line(face, "POST", rule, answer.status, seconds, answer.code, request_id)
        self._lines.append(line)
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        # Each write lets other threads take the interpreter; one for a turn of the loop is enough.
        lines, self._lines = self._lines, []
        log.write("\n".join(lines))


@lru_cache(maxsize=512)
def language(accepted: bytes) -> str:
    """The language of an answer by the header alone."""
    tags = parse_accept_header(accepted.decode("latin-1"), LanguageAccept)
    return negotiate([tag for tag, _quality in tags])


def _created(created: Created) -> _Answer:
    headers: dict[str, str] = {"Content-Type": "application/json"}
    headers["Content-Length"] = str(len(created.body))
    headers |= idempotency.replay_header(created.replayed)
    return _Answer(201, None, _bytes(tuple(headers.items())), created.body)


def _awaiting(receive: Receive) -> Receive:
    """`receive` as a coroutine: the server's own is only an awaitable, and threads need more."""

    async def received() -> dict[str, Any]:
        return await receive()

    return received


def _bytes(headers: Sequence[tuple[str, str]]) -> Headers:
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers)

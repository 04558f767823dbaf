"""A way in to a server that can be cut or held at a chosen message, and pointed elsewhere.

All proxies share one thread with one event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from .wire import Requests

_HOST = "127.0.0.1"
_CHUNK = 65_536


class Where(Enum):
    """At which half of an exchange a cut strikes."""

    REQUEST = auto()  # before the server hears it
    REPLY = auto()  # when the server did it and has answered


@dataclass
class Cut:
    """What strikes the next request with that label, once.

    `kept`: bytes of the reply that come through. `strike`: called with the port of the client's
    end, for example to kill whoever sits there. `hold_seconds`: the request is passed on late and
    nothing is cut. `fired_at`, `over_at`: Unix nanoseconds, 0 until then.
    """

    label: str
    where: Where
    kept: int = 0
    strike: Callable[[int], None] | None = None
    hold_seconds: float = 0.0
    fired_at: int = 0
    over_at: int = 0
    lost: bool = False


@dataclass
class _Link:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    up_reader: asyncio.StreamReader
    up_writer: asyncio.StreamWriter
    requests: Requests
    cut: Cut | None = None

    def abort(self) -> None:
        for writer in (self.writer, self.up_writer):
            writer.transport.abort()

    def port(self) -> int:
        name = self.writer.get_extra_info("peername")
        return int(name[1]) if name else 0


@dataclass
class Proxy:
    """Listens on a port of its own and passes on to `upstream`."""

    upstream: int
    requests: Callable[[], Requests]
    port: int = 0
    _open: dict[int, _Link] = field(default_factory=dict)
    _armed: list[Cut] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Open the port."""
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._serve, _HOST, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()

    def arm(self, cut: Cut) -> None:
        """Strike once at the next match."""
        self._armed.append(cut)

    def disarm(self, cut: Cut) -> None:
        """It did not come to that."""
        with suppress(ValueError):
            self._armed.remove(cut)

    def point(self, port: int, *, share: float, rng: Random) -> int:
        """New connections go there, and that share of the open ones is cut. How many were."""
        self.upstream = port
        chosen = [link for link in list(self._open.values()) if rng.random() < share]
        assert self._loop is not None
        for link in chosen:
            self._loop.call_soon_threadsafe(link.abort)
        return len(chosen)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(_HOST, self.upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(reader, writer, up_reader, up_writer, self.requests())
        self._open[id(link)] = link
        pumps = [asyncio.create_task(one) for one in (self._forth(link), _back(link))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._open.pop(id(link), None)
            for one in (writer, up_writer):
                one.close()

    async def _forth(self, link: _Link) -> None:
        with suppress(OSError):
            while chunk := await link.reader.read(_CHUNK):
                for label in link.requests.feed(chunk):
                    cut = self._matching(label)
                    if cut is not None and await _struck(link, cut):
                        return
                link.up_writer.write(chunk)
                await link.up_writer.drain()

    def _matching(self, label: str) -> Cut | None:
        for cut in self._armed:
            if cut.label == label:
                self._armed.remove(cut)
                return cut
        return None


async def _struck(link: _Link, cut: Cut) -> bool:
    """Whether the request stays unheard."""
    if cut.hold_seconds:
        cut.fired_at = time.time_ns()
        ends = [asyncio.create_task(one) for one in (_gone(link), asyncio.sleep(cut.hold_seconds))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        cut.lost = ends[0].done()
        cut.over_at = time.time_ns()
        for one in ends:
            one.cancel()
        return cut.lost
    if cut.where is Where.REPLY:
        link.cut = cut
        return False
    if cut.strike:
        cut.strike(link.port())
    link.abort()
    cut.fired_at = cut.over_at = time.time_ns()
    return True


async def _gone(link: _Link) -> None:
    """Until one end is closed, looking only."""
    while not (link.up_reader.at_eof() or link.up_writer.is_closing() or link.writer.is_closing()):
        await asyncio.sleep(0.1)


async def _back(link: _Link) -> None:
    with suppress(OSError):
        while chunk := await link.up_reader.read(_CHUNK):
            if cut := link.cut:
                if cut.strike:
                    cut.strike(link.port())
                link.writer.write(chunk[: cut.kept])
                with suppress(OSError):
                    await link.writer.drain()
                cut.fired_at = cut.over_at = time.time_ns()
                return
            link.writer.write(chunk)
            await link.writer.drain()


class Thread:
    """The thread in which proxies live."""

    def __init__(self) -> None:
        self._loop, self._proxies = asyncio.new_event_loop(), list[Proxy]()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="proxies")
        self._thread.start()

    def open(self, proxy: Proxy) -> None:
        """Open a proxy's port."""
        self._proxies.append(proxy)
        asyncio.run_coroutine_threadsafe(proxy.listen(), self._loop).result(10)

    def stop(self) -> None:
        """Close everything."""

        async def end() -> None:
            for proxy in self._proxies:
                proxy.close()
            mine = asyncio.current_task()
            rest = [one for one in asyncio.all_tasks() if one is not mine]
            for one in rest:
                one.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

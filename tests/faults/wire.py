"""A wire to PostgreSQL that can be slow or be cut: a proxy in front of its socket, in a thread."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from pathlib import Path

NAME = ".s.PGSQL.5432"


class Wire:
    """Stands in a folder of its own (`folder`) and passes everything on to the server whose socket is in `server`.

    `delay` is what every packet of the server waits, in seconds. With `swallow` set to some bytes, the wire is cut when
    the client's next message that has them was passed on, so that the server does it and the client never hears.
    """

    def __init__(self, server: Path):
        self.folder = Path(tempfile.mkdtemp(prefix="vouchers-wire-", dir="/tmp"))
        self.delay = 0.0
        self.swallow: bytes | None = None
        self._server, self._loop = server, asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Wire:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        (self.folder / NAME).unlink(missing_ok=True)
        self.folder.rmdir()

    def cut(self) -> None:
        """Break every connection at once."""
        self._loop.call_soon_threadsafe(self._cut)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_unix_server(self._meet, self.folder / NAME))
        self._ready.set()
        self._loop.run_forever()

    async def _end(self) -> None:
        self._cut()
        mine = asyncio.all_tasks() - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(self._server / NAME)
        self._open |= {writer, forth}
        await asyncio.gather(self._ask(reader, forth, writer), self._answer(back, writer), return_exceptions=True)
        for end in (writer, forth):
            end.transport.abort()
            self._open.discard(end)

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, answers: asyncio.StreamWriter):
        while data := await client.read(65536):
            server.write(data)
            await server.drain()
            if self.swallow is not None and self.swallow in data:
                self.swallow = None
                answers.transport.abort()
                # The server is left alone with its work for a moment, then loses its client.
                await asyncio.sleep(0.3)
                return
        server.close()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await server.read(65536):
            await asyncio.sleep(self.delay)
            client.write(data)
            await client.drain()
        client.close()

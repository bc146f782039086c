"""Streams."""

from __future__ import annotations

from asyncio import CancelledError, Future, IncompleteReadError, LimitOverrunError
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, cast

from msquic._native.quic import AsyncStream
from msquic.exceptions import QuicError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Buffer

    from msquic.asyncio.connection import Connection

_LINE_LIMIT = 64 * 1024


class Stream(AsyncStream):
    """A QUIC stream: ``await connection.open_stream()``, or one that the peer opened.

    Reading and writing are independent, like the two ends of a pipe; a unidirectional stream has one of them. The
    methods mean what those of :class:`asyncio.StreamReader` and :class:`asyncio.StreamWriter` mean.

    **Back-pressure.** The peer is held back (RFC 9000 section 4) when ``read_limit`` bytes wait to be read, until half
    of them are. ``write()`` never waits; ``await drain()`` does, while more than ``write_limit`` bytes, or what MsQuic
    would like to have in hand for this path if that is more, are neither acknowledged nor dropped.

    **Cancellation.** Every await may be cancelled, also by :func:`asyncio.timeout`: no byte is lost and the stream goes
    on as before. What breaks a stream off is :meth:`reset`, :meth:`stop`, and dropping its last reference, which does
    both with code 0 for the directions that are not finished.

    **Errors.** :class:`~msquic.StreamReset` when the peer abandoned what it was sending, after the bytes that came
    before; :class:`~msquic.StreamStopped` when it wants no more; the :class:`~msquic.ConnectionFailed` that tells why
    when the connection is over.
    """

    __slots__ = ()

    @property
    def connection(self) -> Connection:
        """The connection that carries the stream."""
        return cast("Connection", self._connection)

    async def readuntil(self, separator: Buffer = b"\n", limit: int = _LINE_LIMIT) -> bytes:
        """The bytes up to and with ``separator``.

        Raises :class:`asyncio.IncompleteReadError`, with what there was, when the peer finishes before it, and
        :class:`asyncio.LimitOverrunError`, with everything left in place, when it is not within ``limit`` bytes.
        """
        wanted = bytes(separator)
        if not wanted:
            raise ValueError("separator must have at least one byte")
        while isinstance(data := self._take_until(wanted, limit), Future):
            await self._settled(data)
        if data is None:
            raise LimitOverrunError(f"no separator within {limit} bytes", limit)
        if not data.endswith(wanted):
            raise IncompleteReadError(data, None)
        return data

    async def readline(self) -> bytes:
        """A line with its ``b"\\n"``; what is left when the peer finishes without one, ``b""`` at the end.

        Raises :class:`ValueError` when a line is longer than 64 KiB.
        """
        try:
            return await self.readuntil(b"\n")
        except IncompleteReadError as error:
            return error.partial
        except LimitOverrunError as error:
            raise ValueError(error.args[0]) from None

    def __aiter__(self) -> Self:
        return self

    def close(self) -> None:
        """Ends this side of the stream, and does not wait: :meth:`write_eof`, and :meth:`stop` unless all was read.

        A second call does nothing. What was written still goes on its way; :meth:`wait_closed` waits for it.
        """
        self._finish()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What :meth:`asyncio.StreamWriter.get_extra_info` tells of a connection, as far as there is such a thing here.

        ``"peername"`` and ``"sockname"``: (IP address, port). ``"stream_id"``, ``"connection"``: :attr:`id` and
        :attr:`connection`. ``default`` for every other name.
        """
        if name == "peername":
            return self.connection.remote_address
        if name == "sockname":
            return self.connection.local_address
        if name == "stream_id":
            return self.id
        return self.connection if name == "connection" else default

    def writelines(self, data: Iterable[Buffer]) -> None:
        """``write()`` for each of them."""
        for piece in data:
            self.write(piece)

    async def wait_acked(self) -> None:
        """Waits until the peer's QUIC acknowledged everything that was written, the end included after ``write_eof()``.

        It says nothing of the peer's application.

        With ``send_buffering_enabled=True`` that is not known, and this returns when MsQuic has copied it.
        Raises what ``write()`` would raise.
        """
        self._check_writable()
        while (future := self._wait_writable(0)) is not None:
            await self._settled(future)
            self._check_writable()
        self._check_writable()

    async def wait_closed(self) -> None:
        """Waits until both directions are over and acknowledged. Does not end them; raises nothing."""
        while (future := self._wait_closed()) is not None:
            await self._settled(future)

    async def _settled(self, future: Future[None]) -> None:
        try:
            await future
        except BaseException:
            self._forget(future)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finishes this direction and wants no more of the other; after an exception, aborts both with code 1."""
        try:
            if kind is None:
                self._finish()
            else:
                self._abort(0 if issubclass(kind, CancelledError) else 1)
        except QuicError:
            # It is over already. In the body that would have raised; there is nothing left to finish.
            pass

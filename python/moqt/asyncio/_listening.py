"""What a server and a relay have in common: they listen."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msquic
from moqt.asyncio._certificate import fingerprint_of
from moqt.asyncio._drafts import alpns_for, defaults_for
from moqt.asyncio._hub import Hub, Notice
from moqt.asyncio.authorization import Authorizing
from msquic._native.moqt import ListenerHandle, RelayHandle, certificate_verifier
from msquic.asyncio import ListenOptions
from msquic.asyncio._listening import Listening as Transport
from msquic.asyncio._trust import judge
from msquic.enums import ServerResumptionLevel


def transport_of(options: ListenOptions, drafts: Iterable[int] | None, max_request_id: int) -> Transport:
    """How to listen, checked. Raises InvalidArgument."""
    transport = Transport.of(alpns_for(drafts), options, defaults=defaults_for(max_request_id))
    if transport.settings.get("server_resumption_level") == ServerResumptionLevel.RESUME_AND_ZERORTT:
        raise msquic.InvalidArgument(
            "MOQT takes no early data, which an attacker can replay: use ServerResumptionLevel.RESUME_ONLY"
        )
    return transport


class Closing(Coroutine[Any, Any, None]):
    """What ``close()`` returns: a coroutine that waits for the end. The closing has begun already, and goes on whether
    anybody awaits this or not."""

    def __init__(self, wait: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._wait = wait
        self._waiting: Coroutine[Any, Any, None] | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        return self._wait().__await__()

    # For asyncio.create_task(), which takes coroutines alone.

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def _begun(self) -> Coroutine[Any, Any, None]:
        if self._waiting is None:
            self._waiting = self._wait()
        return self._waiting


Handle = TypeVar("Handle", ListenerHandle, RelayHandle)


class Listening(Generic[Handle]):
    _handle: Handle

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._target = hub.add(self)
        self._listening: asyncio.Future[int] = hub.loop.create_future()
        self._stopped = asyncio.Event()
        self._closing = False
        self._verifier: Callable[[msquic.PeerCertificate], object] | None = None
        self._configuration: msquic.Configuration | None = None
        self._authorizing: Authorizing | None = None
        self.port = 0
        """The UDP port that it listens on."""
        self.certificate_sha256 = ""
        """The certificate's SHA-256 fingerprint, upper-case hex with colons, for ``pinned_sha256`` of connect(); ""
        when a `configuration` brought the certificate."""

    @property
    def local_address(self) -> tuple[str, int] | None:
        """(IP address, port); None when it accepts no more."""
        return self._handle.local_address

    def stop_accepting(self) -> None:
        """Accepts no more clients. Sessions that there are go on, and as long as they do, new clients are refused at
        once.

        Clients that have begun their handshake are there, and still get their sessions.
        """
        self._handle.stop_accepting()

    def replace_certificate(self, certificate: msquic.Certificate | Mapping[str, msquic.Certificate]) -> None:
        """Uses another certificate, or others by server name, for clients that come from now on.

        Sessions that there are go on. Raises :class:`msquic.InvalidState` when it accepts no more.
        """
        if self._configuration is None or self.local_address is None:
            raise msquic.InvalidState("no clients are accepted any more, so there is no certificate to replace")
        self._handle.replace_certificates(self._configuration, certificate)
        self.certificate_sha256 = fingerprint_of(certificate)

    async def _listen(
        self,
        transport: Transport,
        start: Callable[[msquic.Registration, msquic.Configuration, dict[str, Any]], None],
    ) -> None:
        """Waits until it listens; `start` begins that."""
        registration, configuration = await transport.loaded()
        self._configuration = configuration
        self._verifier = certificate_verifier(configuration)
        options = {
            "handshake_timeout": transport.handshake_timeout or 0.0,
            "gives_tickets": transport.gives_tickets,
        }
        start(registration, configuration, options)
        try:
            await self._listening
        except BaseException:
            self._closing = True
            self._give_up()
            raise

    def _give_up(self) -> None:
        """Ends it natively, whatever becomes of the loop."""
        raise NotImplementedError

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.LISTENING:
            self.port = value
            self._hub.running_here.add(self)
            if not self._listening.done():
                self._listening.set_result(value)
        elif kind == Notice.NOT_LISTENING:
            if not self._listening.done():
                self._listening.set_exception(value)
        elif kind == Notice.AUTHORIZE:
            if self._authorizing is not None:
                self._authorizing.ask(self._handle.decide, ticket, value, self._session_of)
        elif kind == Notice.AUTHORIZED:
            if self._authorizing is not None:
                self._authorizing.withdraw(ticket, *value)
        elif kind == Notice.STOPPED:
            self._end_authorizing()
            self._hub.running_here.discard(self)
            self._stopped.set()
        elif kind == Notice.CERTIFICATE and self._verifier is not None:
            connection, certificate = value
            judge(self._verifier, certificate, connection._complete_certificate)

    def _session_of(self, whose: int) -> Any:
        """The session with that number; None where there are none in Python."""
        return None

    def _end_authorizing(self) -> None:
        if self._authorizing is not None:
            self._authorizing.end()

    def _on_loop_end(self) -> None:
        if self._stopped.is_set() or not hasattr(self, "_handle"):  # or it never began
            return
        self._give_up()
        if not self._closing:
            self._closing = True
            text = f"unclosed {self!r}: it ends with its event loop"
            warnings.warn(text, ResourceWarning, stacklevel=1, source=self)

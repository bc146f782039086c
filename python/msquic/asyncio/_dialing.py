"""How a client reaches a server: names, trust, credentials and settings, for whatever is spoken then."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msquic
from msquic.asyncio._addresses import first_success, resolve, without_scope
from msquic.asyncio._configurations import DEFAULTS, Path, alpn_list, default_registration, loaded, settings_of
from msquic.asyncio._trust import Trust, certificate_from, load_client
from msquic.asyncio.options import DialOptions
from msquic.exceptions import ConnectionTimeout, InvalidArgument, TicketMismatch

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Dialing:
    """What ``connect()`` was given, checked."""

    host: str
    port: int
    server_name: str
    trust: Trust
    certificate: Callable[[], Any]
    cacheable: bool
    alpn: list[str | bytes]
    ticket: bytes | None
    keylog: Path | None
    local_address: str | tuple[str, int] | None
    family: int
    timeout: float | None
    happy_eyeballs_delay: float | None
    configuration: msquic.Configuration | None
    registration: msquic.Registration | None
    settings: dict[str, Any]
    single: bool

    @classmethod
    def of(
        cls,
        host: str,
        port: int,
        alpn: str | bytes | Sequence[str | bytes],
        options: DialOptions,
        *,
        defaults: Mapping[str, Any] = DEFAULTS,
        early_data: bool = False,
    ) -> Dialing:
        """``defaults``: settings where nothing else was asked for. ``early_data``: the first address only."""
        settings = settings_of(options, DialOptions)
        configuration, ticket = options.get("configuration"), options.get("ticket")
        certificate, cert_file, key_file = options.get("certificate"), options.get("cert_file"), options.get("key_file")
        trust = Trust.of(options)
        if configuration is None and not alpn:
            raise InvalidArgument("alpn must name the protocol that the server speaks, e.g. alpn='h3'")
        own = (settings, trust.is_chosen, certificate, cert_file, options.get("keylog"))
        if configuration is not None and any(own):
            raise InvalidArgument("a configuration brings its own ALPNs, settings and credentials: leave those out")
        if not 1 <= port <= 65535:
            raise InvalidArgument("port must be from 1 to 65535")
        name = options.get("server_name")
        server_name = without_scope(host) if name is None else name
        if early_data:
            if ticket is None:
                raise InvalidArgument("early data needs the ticket of an earlier connection")
            issued_for = msquic.SessionTicket.from_bytes(bytes(ticket)).server_name
            if issued_for != server_name:
                raise TicketMismatch(f"the resumption ticket was issued for {issued_for!r}", name="TicketMismatch")
        return cls(
            host=host,
            port=port,
            server_name=server_name,
            trust=trust,
            certificate=certificate_from(certificate, cert_file, key_file, options.get("key_password")),
            cacheable=certificate is None and cert_file is None and key_file is None,
            alpn=alpn_list(alpn),
            ticket=ticket,
            keylog=options.get("keylog"),
            local_address=options.get("local_address"),
            family=options.get("family", 0),
            timeout=options.get("timeout", 10.0),
            happy_eyeballs_delay=options.get("happy_eyeballs_delay", 0.25),
            configuration=configuration,
            registration=options.get("registration"),
            settings=dict(defaults) | settings,
            single=early_data,
        )

    async def run(
        self,
        attempt: Callable[[msquic.Registration, msquic.Configuration, str], Awaitable[T]],
        then: Callable[[T], Awaitable[None]] | None = None,
    ) -> T:
        """The result of the first address for which ``attempt(registration, configuration, address)`` succeeds.

        ``then(result)`` is what has to come before the result may be used. Raises :class:`~msquic.ConnectionTimeout`
        when all of it takes longer than ``timeout``.
        """
        registration = self.registration or default_registration()
        try:
            async with asyncio.timeout(self.timeout):
                configuration = self.configuration
                if configuration is None:
                    load = functools.partial(load_client, trust=self.trust, certificate=self.certificate)
                    key = self.trust.key() if self.cacheable else None
                    configuration = await loaded(registration, self.alpn, self.settings, self.keylog, load, key)
                addresses = await resolve(self.host, self.port, self.family)
                if self.single:  # to several addresses it would be sent several times
                    del addresses[1:]
                attempts = [functools.partial(attempt, registration, configuration, each) for each in addresses]
                result = await first_success(attempts, self.happy_eyeballs_delay)
                if then is not None:
                    await then(result)
                return result
        except TimeoutError as error:
            if isinstance(error, ConnectionTimeout):
                raise
            raise ConnectionTimeout(
                f"no connection to {self.host} port {self.port} within {self.timeout} s", name="ConnectionTimeout"
            ) from None

"""How a server listens: trust, credentials and settings, for whatever is spoken then."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msquic
from msquic.asyncio._configurations import DEFAULTS, Path, alpn_list, default_registration, loaded, settings_of
from msquic.asyncio._trust import Trust, certificate_from, load_server
from msquic.asyncio.options import ListenOptions
from msquic.enums import ServerResumptionLevel
from msquic.exceptions import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Listening:
    """What ``serve()`` was given, checked."""

    alpn: list[str | bytes]
    trust: Trust
    certificate: Callable[[], Any]
    client_certificates: Literal["none", "optional", "required"]
    resumption: ServerResumptionLevel
    ticket_keys: bytes | None
    keylog: Path | None
    handshake_timeout: float | None
    given: msquic.Configuration | None
    registration: msquic.Registration | None
    settings: dict[str, Any]

    @classmethod
    def of(
        cls,
        alpn: str | bytes | Sequence[str | bytes],
        options: ListenOptions,
        *,
        defaults: Mapping[str, Any] = DEFAULTS,
    ) -> Listening:
        """``defaults``: settings where nothing else was asked for."""
        if not alpn:
            raise InvalidArgument("alpn must name the protocol that the server speaks, e.g. alpn='h3'")
        settings = dict(defaults) | settings_of(options, ListenOptions)
        certificate, cert_file, key_file = options.get("certificate"), options.get("cert_file"), options.get("key_file")
        given = options.get("configuration")
        if given is None and certificate is None and (cert_file is None or key_file is None):
            raise InvalidArgument("a server needs a certificate: give certificate, or cert_file and key_file")
        resumption = options.get("resumption", ServerResumptionLevel.NO_RESUME)
        if resumption != ServerResumptionLevel.NO_RESUME:
            settings["server_resumption_level"] = resumption
        return cls(
            alpn=alpn_list(alpn),
            trust=Trust.of(options),
            certificate=certificate_from(certificate, cert_file, key_file, options.get("key_password")),
            client_certificates=options.get("client_certificates", "none"),
            resumption=resumption,
            ticket_keys=options.get("ticket_keys"),
            keylog=options.get("keylog"),
            handshake_timeout=options.get("handshake_timeout", 10.0),
            given=given,
            registration=options.get("registration"),
            settings=settings,
        )

    @property
    def gives_tickets(self) -> bool:
        """Whether clients get a ticket each."""
        return self.resumption != ServerResumptionLevel.NO_RESUME

    async def loaded(self) -> tuple[msquic.Registration, msquic.Configuration]:
        """With credentials, which are read on another thread."""
        registration = self.registration or default_registration()
        if self.given is not None:
            return registration, self.given
        load = functools.partial(
            load_server,
            trust=self.trust,
            certificate=self.certificate,
            client_certificates=self.client_certificates,
            ticket_keys=self.ticket_keys,
        )
        return registration, await loaded(registration, self.alpn, self.settings, self.keylog, load, None)

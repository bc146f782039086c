"""Client sessions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, Unpack

import msquic
from moqt.asyncio._arguments import LONGEST, check_callable, check_type, checked_seconds
from moqt.asyncio._drafts import alpns_for, defaults_for
from moqt.asyncio._hub import Hub
from moqt.asyncio._places import authority_of, place_of
from moqt.asyncio._resuming_session import ResumingSession
from moqt.asyncio._returning_session import Life
from moqt.asyncio.authorization import Authorize, Authorizing, TokenLike, tokens_of
from moqt.asyncio.resume import Resume
from moqt.asyncio.session import NamespaceJudge, Session
from msquic._native.moqt import ServerSetup, TrackNamespace, attempt_limit, certificate_verifier
from msquic._native.moqt import connect as native_connect
from msquic.asyncio import DialOptions, Opening
from msquic.asyncio._addresses import without_scope
from msquic.asyncio._dialing import Dialing

READER_QUEUE_LIMIT = 64 * 1024 * 1024
MAX_OBJECT_SIZE = 256 * 1024 * 1024
RECEIVE_LIMIT = 512 * 1024 * 1024
FETCH_QUEUE_LIMIT = 4 * 1024 * 1024
LONGEST_ATTEMPT = 60.0
"""Seconds that an attempt to come back may last where `timeout` is None: one that is stuck must make room."""


def connect(
    host: str,
    port: int,
    *,
    path: str = "/moqt",
    authority: str | None = None,
    authorization_tokens: Iterable[TokenLike] = (),
    max_request_id: int = 100,
    authorize: Authorize | None = None,
    authorize_timeout: float = 10.0,
    token_cache_size: int = 4096,
    accept_namespace: NamespaceJudge | None = None,
    drafts: Iterable[int] | None = None,
    tolerances: Iterable[str] = (),
    reader_queue_limit: int = READER_QUEUE_LIMIT,
    max_object_size: int = MAX_OBJECT_SIZE,
    receive_limit: int = RECEIVE_LIMIT,
    fetch_queue_limit: int = FETCH_QUEUE_LIMIT,
    resume: Resume | bool = False,
    **options: Unpack[DialOptions],
) -> Opening[Session]:
    """A session with a server over raw QUIC (section 3.1).

    ``async with connect(…) as session`` or ``session = await connect(…)``.

    Args:
        host: a name, resolved off the loop, or an IP literal. Its addresses are tried as RFC 8305 says.
        port: UDP port, 1 to 65535.
        path: PATH of CLIENT_SETUP, with an optional query (section 9.3.1.2).
        authority: AUTHORITY of CLIENT_SETUP (section 9.3.1.1); `host` and `port` when not given.
        authorization_tokens: what CLIENT_SETUP shows (section 9.3.1.5): each a :data:`TokenLike`.
        max_request_id: MAX_REQUEST_ID of CLIENT_SETUP: half as many requests of the server may be open at once;
            in drafts from 17 on, of which the transport holds the others back, at least four.
        authorize: says what the server may do: as for :func:`serve`, for each request of the server that may carry
            tokens; not for the session itself, which this side has asked for.
        authorize_timeout: seconds that `authorize` has: then a request is refused with TIMEOUT.
        token_cache_size: MAX_AUTH_TOKEN_CACHE_SIZE of CLIENT_SETUP (section 9.3.1.4): bytes of tokens that the server
            may register.
        accept_namespace: decides whether the server may announce a namespace with PUBLISH_NAMESPACE (section 6.2):
            a function, or a coroutine function, that gets the :class:`Session` and the namespace and returns True or
            False. What it refuses, the peer hears of as UNAUTHORIZED; when it raises, as INTERNAL_ERROR. None: all.
        drafts: the numbers of the drafts of MOQT to offer, the most preferred first, for instance ``(18, 15)``. The
            server chooses; :attr:`Session.draft` tells which. None: all that there are, the newest first.
        tolerances: deviations to allow, by name: ``empty-namespace-prefix``.
        reader_queue_limit: bytes that may wait in one subscription that is not read; beyond it the oldest objects are
            dropped. As many again may belong to objects of it that are still arriving.
        max_object_size: bytes of the largest payload that is taken; a larger object is skipped and counted.
        receive_limit: bytes that all subscriptions of the session may hold together; beyond it the one that holds the
            most loses its oldest.
        fetch_queue_limit: bytes that may wait in one fetch that is not read; beyond it the publisher is made to wait,
            and nothing is dropped.
        resume: True, or a :class:`Resume` with its waits: the session comes back by itself, see below.
        options: those of :func:`msquic.asyncio.connect` under the same names: server name, trust, a certificate of
            this side, `verify`, `ticket`, `keylog`, addresses, `timeout` (here for everything until SERVER_SETUP),
            `registration`, `configuration`, and the transport settings. ``early_data`` is not among them: MOQT has
            nothing to say that may happen twice. Settings have other defaults here: the connection is given up after
            15 seconds of silence, a PING goes out every 5.

    With `resume` a connection that is lost, and a GOAWAY (section 9.4), are followed by another session with the same
    server, or the one that the GOAWAY names. What was asked of the old session is asked of the new one: namespaces and
    tracks are announced and offered again, under their Group IDs; subscriptions go on where they were, and what they
    have missed is fetched, so that nothing comes twice and nothing is missing that the server still has
    (:attr:`Subscription.gaps`); fetches go on behind their latest object; requests wait. A session that is closed for
    what one of the endpoints did (PROTOCOL_VIOLATION, UNAUTHORIZED …) does not come back. The first attempt is as
    without `resume`; those that bring it back may last a second, then twice as long each time, up to `timeout`.

    Raises :class:`SessionClosed` when the server says no to the session, whatever the reason (section 13.3.1), before
    its SETUP; from draft 17 on that need not wait for the client's, and a server may say no later. Raises
    :class:`msquic.ConnectionFailed` when there is no connection: its subclasses tell a refusal, a timeout, an ALPN that
    is not spoken there and a :class:`msquic.CertificateError` apart. Cancelled, the attempt is given up.
    """
    if isinstance(tolerances, str):
        raise TypeError("tolerances is a set or list of str")
    check_callable(authorize, "authorize")
    check_callable(accept_namespace, "accept_namespace")
    check_type(resume, bool | Resume, "resume", "True, False or a Resume")
    dialing = Dialing.of(host, port, alpns_for(drafts), options, defaults=defaults_for(max_request_id))
    native: dict[str, Any] = {
        "path": path,
        "authority": authority_of(host, port) if authority is None else authority,
        "max_request_id": max_request_id,
        # The timeout of `dialing` ends it before.
        "timeout": LONGEST if dialing.timeout is None else min(dialing.timeout + 5.0, LONGEST),
        "tolerances": list(tolerances),
        "reader_queue_limit": reader_queue_limit,
        "max_object_size": max_object_size,
        "receive_limit": receive_limit,
        "fetch_queue_limit": fetch_queue_limit,
        "asks_namespaces": accept_namespace is not None,
        "tokens": tokens_of(authorization_tokens),
        "asks_authorization": authorize is not None,
        "authorize_timeout": checked_seconds(authorize_timeout, "authorize_timeout"),
        "token_cache_size": token_cache_size,
    }
    if not resume:
        return Opening(functools.partial(_connect, Session, dialing, native, authorize, accept_namespace))
    return Opening(
        functools.partial(
            _resuming, Resume() if resume is True else resume, dialing, native, authorize, accept_namespace
        )
    )


async def _resuming(
    resume: Resume,
    dialing: Dialing,
    native: dict[str, Any],
    authorize: Authorize | None,
    accept_namespace: NamespaceJudge | None,
) -> Session:
    whole: ResumingSession

    async def dial(make: Callable[[], Life], uri: str | None, number: int) -> Life:
        place = None if not uri else place_of(uri)
        timeout = dialing.timeout
        if number > 0:
            timeout = attempt_limit(number, LONGEST_ATTEMPT if timeout is None else timeout)
        limited = dataclasses.replace(dialing, timeout=timeout)
        if place is None:
            return await _connect(lambda hub: make(), limited, native, authorize, judge)
        host, port, path = place
        elsewhere = dataclasses.replace(limited, host=host, port=port, server_name=without_scope(host), ticket=None)
        there = native | {"path": path, "authority": authority_of(host, port)}
        return await _connect(lambda hub: make(), elsewhere, there, authorize, judge)

    def judge_for_all(session: Session, namespace: TrackNamespace) -> bool | Awaitable[bool]:
        assert accept_namespace is not None
        return accept_namespace(whole, namespace)

    judge = None if accept_namespace is None else judge_for_all
    whole = ResumingSession(Hub.running(), resume, dial)
    await whole._begin()
    return whole


S = TypeVar("S", bound=Session)


async def _connect(
    make: Callable[[Hub], S],
    dialing: Dialing,
    native: dict[str, Any],
    authorize: Authorize | None,
    accept_namespace: NamespaceJudge | None,
) -> S:
    hub = Hub.running()

    async def attempt(registration: msquic.Registration, configuration: msquic.Configuration, address: str) -> S:
        session = make(hub)
        session._verifier = certificate_verifier(configuration)
        session._accept_namespace = accept_namespace
        session._authorizing = None if authorize is None else Authorizing(hub.loop, authorize, ServerSetup)
        session._handle = native_connect(
            hub.channel,
            session._target,
            registration,
            configuration,
            dialing.server_name,
            address,
            dialing.port,
            dialing.local_address,
            dialing.ticket,
            native,
        )
        try:
            await session._connected
        except BaseException:
            session._begin_close()
            raise
        return session

    async def established(session: S) -> None:
        try:
            await session._established
        except BaseException:
            session._begin_close()
            raise

    return await dialing.run(attempt, established)

"""Tokens that this side shows, and what the peer may do."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from moqt.asyncio.exceptions import Refused
from msquic._native.moqt import (
    AuthorizationToken,
    ClientSetup,
    RequestErrorCode,
    ServerSetup,
    TokenAliasType,
    TrackNamespace,
)

if TYPE_CHECKING:
    from moqt.asyncio.session import Session

TokenLike: TypeAlias = bytes | tuple[int, bytes] | AuthorizationToken
"""A token to show: its value, whose type is 0 (agreed out of band); (type, value); or an
:class:`moqt.AuthorizationToken` with USE_VALUE, or with REGISTER to have the peer keep it from its first use on.
Aliases are given by the library."""


def tokens_of(tokens: Iterable[TokenLike]) -> list[AuthorizationToken]:
    """The tokens as the native module takes them. Raises TypeError and ValueError."""
    if isinstance(tokens, bytes | str | AuthorizationToken):
        raise TypeError("authorization_tokens is a list of tokens, not one")
    return [_token_of(each) for each in tokens]


def _token_of(token: TokenLike) -> AuthorizationToken:
    if isinstance(token, AuthorizationToken):
        if token.alias_type not in (TokenAliasType.USE_VALUE, TokenAliasType.REGISTER):
            raise ValueError("a token to show has a value: aliases are given by the library")
        return AuthorizationToken(token.alias_type, 0, token.token_type, token.value)
    if isinstance(token, bytes):
        return AuthorizationToken(value=token)
    try:
        token_type, value = token
    except (TypeError, ValueError):
        raise TypeError("a token is bytes, a tuple of type and value, or an AuthorizationToken") from None
    return AuthorizationToken(token_type=token_type, value=value)


@dataclass(frozen=True)
class AuthorizationRequest:
    """What the peer asks to be allowed: the `authorize` of :func:`serve`, :func:`relay` and :func:`connect` gets it."""

    operation: str
    """The draft's name of the message: CLIENT_SETUP for a client's session itself, SUBSCRIBE, SUBSCRIBE_UPDATE,
    PUBLISH, FETCH, TRACK_STATUS, PUBLISH_NAMESPACE or SUBSCRIBE_NAMESPACE, which stands for SUBSCRIBE_TRACKS of drafts
    from 18 on, too: a peer that wants to hear of namespaces and of tracks asks twice there."""
    namespace: TrackNamespace | None
    """Of the track, or what PUBLISH_NAMESPACE announces; the prefix of SUBSCRIBE_NAMESPACE. None for CLIENT_SETUP."""
    name: bytes | None
    """The track's name; None where no track is named."""
    tokens: tuple[AuthorizationToken, ...] = field(repr=False)
    """The tokens of the message, with type and value: aliases are resolved (section 9.2.1.1)."""
    setup: ClientSetup | ServerSetup = field(repr=False)
    """The peer's SETUP message, with its own tokens: CLIENT_SETUP, or SERVER_SETUP where a client is asked."""
    remote_address: tuple[str, int] | None
    """(IP address, port) of the peer."""
    peer_certificate: bytes | None = field(repr=False)
    """The peer's certificate in DER; None when it showed none."""
    session: Session | None = field(repr=False)
    """The session; None on a relay, and for CLIENT_SETUP, where there is none yet."""

    @property
    def path(self) -> str | None:
        """PATH of CLIENT_SETUP (section 9.3.1.2); None where a client is asked: a server has none."""
        return self.setup.path if isinstance(self.setup, ClientSetup) else None

    @property
    def authority(self) -> str | None:
        """AUTHORITY of CLIENT_SETUP (section 9.3.1.1); None where a client is asked."""
        return self.setup.authority if isinstance(self.setup, ClientSetup) else None


Authorize: TypeAlias = Callable[[AuthorizationRequest], Awaitable[float | None] | float | None]
"""Allows by returning, refuses by raising :class:`Refused`. What it returns is None, or of a SUBSCRIBE and its
SUBSCRIBE_UPDATE the seconds that they are allowed for: EXPIRES of SUBSCRIBE_OK is no more than that (section 9.2.1.8),
and the subscription ends with EXPIRED unless an update renews it. None for an update: as long as before, from now
on."""


class Authorizing:
    """The questions of one server, relay or client that are being answered, each in a task of its own."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        authorize: Authorize,
        setup: type[ClientSetup] | type[ServerSetup] = ClientSetup,
    ) -> None:
        self._loop = loop
        self._authorize = authorize
        self._setup = setup
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}

    def ask(self, decide: Callable[..., None], request: int, value: Any, session_of: Callable[[int], Any]) -> None:
        whose, operation, namespace, name, tokens, parameters, transport = value
        is_setup = operation == "CLIENT_SETUP"
        question = AuthorizationRequest(
            operation,
            namespace,
            None if namespace is None or operation.endswith("_NAMESPACE") else name,
            tuple(tokens),
            self._setup(parameters),
            transport.remote_address,
            transport.peer_certificate,
            None if is_setup else session_of(whose),
        )
        key = whose, request
        task = self._loop.create_task(self._judge(decide, key, question))
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def withdraw(self, request: int, whose: int, everything: bool) -> None:
        """Nobody waits for that answer any more."""
        for key, task in list(self._tasks.items()):
            if key[0] == whose and (everything or key[1] == request):
                task.cancel()

    def end(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()

    def _forget(self, key: tuple[int, int], task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]

    async def _judge(self, decide: Callable[..., None], key: tuple[int, int], question: AuthorizationRequest) -> None:
        code: int | None = int(RequestErrorCode.INTERNAL_ERROR)
        session_code: int | None = None
        reason = "the application failed"
        expires: float | None = None
        try:
            answer = cast(object, self._authorize(question))
            if inspect.isawaitable(answer):
                answer = await answer
            if answer is not None and (isinstance(answer, bool) or not isinstance(answer, int | float)):
                raise TypeError(f"authorize returns None or seconds, or raises Refused, but it returned {answer!r}")
            if answer is not None and not answer > 0:
                raise ValueError(f"what is allowed for {answer!r} seconds is not allowed: raise Refused")
            code, reason, expires = None, "", answer
        except Refused as refused:
            code, session_code, reason = refused.code, refused.session_code, refused.reason
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": f"exception in authorize; {question.operation} was refused", "exception": error}
            )
        decide(*key, code, reason, session_code, expires)

"""Tokens that this side shows, and who may do what on a server or a relay."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from moqt.asyncio.exceptions import Refused
from msquic._native.moqt import AuthorizationToken, ClientSetup, RequestErrorCode, TokenAliasType, TrackNamespace

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
    """What a client asks to be allowed; given to the `authorize` of :func:`serve` and :func:`relay`."""

    operation: str
    """The draft's name of the message: CLIENT_SETUP for the session itself, SUBSCRIBE, SUBSCRIBE_UPDATE, PUBLISH,
    FETCH, TRACK_STATUS, PUBLISH_NAMESPACE or SUBSCRIBE_NAMESPACE."""
    namespace: TrackNamespace | None
    """Of the track, or what PUBLISH_NAMESPACE announces; the prefix of SUBSCRIBE_NAMESPACE. None for CLIENT_SETUP."""
    name: bytes | None
    """The track's name; None where no track is named."""
    tokens: tuple[AuthorizationToken, ...] = field(repr=False)
    """The tokens of the message, with type and value: aliases are resolved (section 9.2.1.1)."""
    setup: ClientSetup = field(repr=False)
    """The CLIENT_SETUP of the session, with its own tokens."""
    remote_address: tuple[str, int] | None
    """(IP address, port) of the client."""
    peer_certificate: bytes | None = field(repr=False)
    """The client's certificate in DER; None when it showed none."""
    session: Session | None = field(repr=False)
    """The session; None on a relay, and for CLIENT_SETUP, where there is none yet."""

    @property
    def path(self) -> str | None:
        """PATH of CLIENT_SETUP (section 9.3.1.2)."""
        return self.setup.path

    @property
    def authority(self) -> str | None:
        """AUTHORITY of CLIENT_SETUP (section 9.3.1.1)."""
        return self.setup.authority


Authorize: TypeAlias = Callable[[AuthorizationRequest], Awaitable[None] | None]
"""Allows by returning, refuses by raising :class:`Refused`."""


class Authorizing:
    """The questions of one server or relay that are being answered, each in a task of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, authorize: Authorize) -> None:
        self._loop = loop
        self._authorize = authorize
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}

    def ask(self, decide: Callable[..., None], request: int, value: Any, session_of: Callable[[int], Any]) -> None:
        whose, operation, namespace, name, tokens, parameters, transport = value
        is_setup = operation == "CLIENT_SETUP"
        question = AuthorizationRequest(
            operation,
            namespace,
            None if namespace is None or operation.endswith("_NAMESPACE") else name,
            tuple(tokens),
            ClientSetup(parameters),
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
        try:
            answer = cast(object, self._authorize(question))
            if inspect.isawaitable(answer):
                answer = await answer
            if answer is not None:
                raise TypeError(f"authorize returns None or raises Refused, but it returned {answer!r}")
            code, reason = None, ""
        except Refused as refused:
            code, session_code, reason = refused.code, refused.session_code, refused.reason
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": f"exception in authorize; {question.operation} was refused", "exception": error}
            )
        decide(*key, code, reason, session_code)

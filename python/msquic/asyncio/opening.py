"""What is opened by awaiting it, and closed by leaving ``async with``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from types import TracebackType


class Closing(Protocol):
    """What closes itself at the end of ``async with``."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> object: ...


T = TypeVar("T", bound=Closing)


class Opening(Generic[T]):
    """What ``connect`` and ``serve`` give: ``async with connect(…) as it`` or ``it = await connect(…)``.

    Nothing happens before either; each opens once more. Cancelled while it opens, it leaves nothing behind.
    """

    def __init__(self, opens: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._opens = opens
        self._opened: T | None = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._opens().__await__()

    async def __aenter__(self) -> T:
        self._opened = await self._opens()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._opened is not None
        await self._opened.__aexit__(kind, error, traceback)

"""The past objects that a subscription begins with: a joining FETCH (draft-15 section 9.16.2), or a fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moqt.asyncio.exceptions import FetchRefused
from moqt.asyncio.fetch_options import options_of_past
from moqt.asyncio.fetching import Fetch
from msquic._native.moqt import FetchHandle, RequestErrorCode, TrackProgress

if TYPE_CHECKING:
    from moqt.asyncio.session import Session
    from moqt.asyncio.subscribing import Subscription


def join_on(
    session: Session,
    subscription: Subscription,
    joins: tuple[bool, int],
    native: dict[str, Any],
    progress: TrackProgress | None = None,
) -> Fetch:
    """Sends it behind the SUBSCRIBE, which asks for `native`; `joins` is what check_join() gives."""
    options = options_of_past(native, progress)

    def ask(ticket: int, target: int) -> FetchHandle:
        return session._handle.join(ticket, target, subscription._handle, *joins, options)

    subscription._joins = joins
    past = Fetch(session, subscription.namespace, subscription.name, ask)
    past._left_out = subscription._leave_out
    past._send()
    return past


async def wait_joined(subscription: Subscription) -> None:
    """Until it is answered, behind the SUBSCRIBE."""
    if subscription._past is None:
        return
    try:
        await subscription._past._begin()
    except FetchRefused as refused:
        if subscription.largest is not None or refused.code != RequestErrorCode.INVALID_RANGE:
            raise
        subscription._past = None  # there was no object yet: everything is live

"""Sessions that come back: the options, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from msquic._native.moqt import Location

if TYPE_CHECKING:
    from moqt.asyncio.subscribing import Subscription


@dataclass(frozen=True, kw_only=True)
class Resume:
    """How a session of :func:`connect` comes back: ``connect(…, resume=Resume(give_up_after=300))``.

    The waits between attempts double from `first_delay` to `longest_delay`, and each is drawn from the upper half of
    its length, so that those who lost the same relay do not come back at the same moment.
    """

    first_delay: float = 0.1
    """Seconds before the second attempt; the first one is made after a part of it."""
    longest_delay: float = 5.0
    """Seconds that lie between two attempts at most."""
    give_up_after: float | None = 60.0
    """Seconds without a session, or of a subscription without its track, until the end; None: never."""
    linger: float = 10.0
    """After a GOAWAY: seconds that the old session serves on beside the new one, at most."""
    on_event: Callable[[ResumeEvent], object] | None = None
    """Called on the loop with each :data:`ResumeEvent`; it must not block. What it raises goes to the loop's exception
    handler."""

    def __post_init__(self) -> None:
        if not 0 < self.first_delay <= self.longest_delay:
            raise ValueError("first_delay must be above 0, and longest_delay at least as much")
        if self.give_up_after is not None and not self.give_up_after > 0:
            raise ValueError("give_up_after must be above 0 seconds")
        if not self.linger >= 0:
            raise ValueError("linger must not be negative")


@dataclass(frozen=True)
class Gap:
    """A part of a track that could not be had when a subscription came back; see :attr:`Subscription.gaps`."""

    start: Location
    """The first place that is missing. Whether there was an object is not known."""
    end: Location
    """One past the last one, as FETCH says it: with Object ID 0 all of the group is missing."""
    reason: str
    """Why it is not to be had: how the FETCH ended."""


@dataclass(frozen=True)
class SessionLost:
    """The session is over, or the peer wants it to end, and another one is being made."""

    reason: str
    """For people: how it ended, or GOAWAY."""
    goaway_uri: str | None
    """Where the GOAWAY sends this endpoint, ``""`` for the same place; None when the session was lost without one."""


@dataclass(frozen=True)
class SessionResumed:
    """There is a session again. What was asked of the old one is asked of it."""

    sessions: int
    """How many there have been, this one included."""
    attempts: int
    """How many attempts it took."""
    seconds: float
    """How long there was none; 0 after a GOAWAY that was followed in time."""


@dataclass(frozen=True)
class GapFound:
    """A subscription has come back, and a part of its track is not to be had any more."""

    subscription: Subscription
    """Whose track it is."""
    gap: Gap
    """What is missing."""


ResumeEvent: TypeAlias = SessionLost | SessionResumed | GapFound
"""What :attr:`Resume.on_event` is called with."""

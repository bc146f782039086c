"""What became of objects: for whoever publishes them, and for whoever receives them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeliveryStatistics:
    """What became of every object of a track, counted once for each subscription that there was when it was published.

    :attr:`published` is the sum of all the others.
    """

    published: int
    """Objects, times the subscriptions that there were."""
    delivered: int
    """On their way to the subscriber, whole."""
    filtered: int
    """Outside of the subscription's filter (section 5.1.2)."""
    unforwarded: int
    """The subscription's Forward State was 0 (section 5.1)."""
    timed_out: int
    """Older than DELIVERY_TIMEOUT (section 9.2.1.2) or MAX_CACHE_DURATION allows."""
    skipped: int
    """The subscriber was too far behind, and began again at a later group."""
    stopped: int
    """The subscriber sent STOP_SENDING for the rest of the subgroup (section 10.4.3)."""
    no_stream: int
    """More streams than a session may have open."""
    reset: int
    """The publisher gave the subgroup up, or the subscription ended."""
    too_large: int
    """A datagram that is larger than the path takes."""
    dropped: int
    """A datagram for which there was no room."""
    waiting: int
    """Not sent yet: they wait for flow control, congestion control or the rest of the object."""
    refused: int = 0
    """Objects that were written and not taken (:class:`ObjectRefused`), each counted once; no part of `published`. A
    relay has none."""


@dataclass(frozen=True)
class SubscriptionStatistics:
    """What a subscription has received, and what it has lost on this side."""

    objects_received: int
    """Whole objects that came, those included that were dropped later."""
    bytes_received: int
    """Of their payloads."""
    objects_waiting: int
    """Not read yet."""
    bytes_waiting: int
    """Of these, with about 200 bytes for each."""
    objects_dropped: int
    """Dropped because they were not read in time; the oldest go first."""
    objects_too_large: int
    """Larger than `max_object_size`."""
    objects_incomplete: int
    """Their stream was reset before they were whole."""
    streams_cut: int
    """Streams that were reset because something on them was too late, or failed: what they had left is missing."""
    resumptions: int = 0
    """How often the subscription has come back on another session, or after its publisher was lost; see
    :class:`Resume`."""
    gaps: int = 0
    """Parts of the track that could not be had then; see :attr:`Subscription.gaps`."""
    objects_repeated: int = 0
    """Objects that came once more, and were left out."""

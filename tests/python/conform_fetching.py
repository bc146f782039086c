"""FETCH, as the scripted relay answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moqt.conform.peer.exchange import Exchange
from moqt.conform.wire import codes
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.messages import Joining, Message
from moqt.conform.wire.objects import Object
from moqt.conform.wire.parameters import read_fill
from moqt.conform.wire.reader import Reader
from moqt.conform.wire.values import Filter, Location, WireError

if TYPE_CHECKING:
    from conform_session import RelaySession

Range = tuple[Location, tuple[int, int | None]]


def _range_22(chosen: Filter | None, largest: Location) -> Range:
    if chosen is None or chosen.type == 0:
        return Location(0, 0), (largest.group, largest.object)
    if chosen.type == 1:
        return Location(max(largest.group + 1 - chosen.fields[0], 0), 0), (largest.group, largest.object)
    if chosen.type == 5:
        return Location(largest.group, largest.object + 1), (largest.group, largest.object)
    fields = chosen.fields
    if chosen.type in (3, 4):
        return Location(*fields[:2]), (fields[0] + fields[2], fields[3] if chosen.type == 4 else None)
    return Location(*(fields if chosen.type == 2 else (0, 0))), (largest.group, largest.object)


async def fetch(session: RelaySession, exchange: Exchange, request: Message) -> None:
    draft, relay = session.draft, session.relay
    if draft.number >= 22 and request.parameter(0x26) is not None:
        session.error(exchange, codes.INVALID_FILTER)
        return
    track: Any
    if draft.number >= 22:
        track = relay.tracks.get((request.namespace, request.track))
        found = _range_22(request.parameter(codes.FILTER), (track and track.largest) or Location(0, 0))
        name = (request.namespace, request.track)
    elif isinstance(request.fetch, Joining):
        subscription = session.subscriptions.get(request.fetch.request_id)
        if subscription is None or not subscription.accepted:
            session.error(exchange, codes.INVALID_JOINING_REQUEST_ID)
            return
        chosen = subscription.request.parameter(codes.FILTER)
        if draft.number < 17 and (chosen is None or chosen.type != 2):
            raise WireError(codes.PROTOCOL_VIOLATION, "a joining FETCH with another filter")
        name = next(key for key, each in relay.tracks.items() if subscription in each.subscriptions)
        track = relay.tracks[name]
        if track.largest is None or (draft.request_streams and not subscription.forward):
            session.error(exchange, codes.INVALID_RANGE)
            return
        start = track.largest.group - request.fetch.start if request.fetch.type == 2 else request.fetch.start
        found = Location(max(start, 0), 0), (track.largest.group, track.largest.object)
    else:
        asked = request.fetch
        name = (asked.namespace, asked.name)
        track = relay.tracks.get(name)
        found = asked.start, (asked.end.group, asked.end.object - 1 if asked.end.object else None)
    if track is None or not track.objects:
        await _upstream(session, exchange, name, found)
        return
    await _serve(session, exchange, request, track, found)


async def _upstream(session: RelaySession, exchange: Exchange, name: Any, found: Range) -> None:
    """Nothing of the track is here."""
    publishers = session.relay.publishers(name[0])
    if not publishers:
        if not session.relay.has("silent"):
            session.error(exchange, codes.DOES_NOT_EXIST)
        return
    if session.relay.has("never-asks-for-fetch"):
        session.error(exchange, codes.DOES_NOT_EXIST)
        return
    other = publishers[0]
    if other.draft.number >= 22:
        fields: dict[str, Any] = {
            "namespace": name[0],
            "track": name[1],
            "parameters": {codes.FILTER: Filter(3, (1, 0, 0))},
        }
    else:
        from moqt.conform.wire.messages import Standalone

        fields = {"fetch": Standalone(name[0], name[1], Location(1, 0), Location(1, 0))}
    asked = await other.request("FETCH", **fields)
    asked.waiting, asked.start = exchange, tuple(found[0])  # type: ignore[attr-defined]


async def _serve(session: RelaySession, exchange: Exchange, request: Message, track: Any, found: Range) -> None:
    start, last = found
    largest = track.largest
    if start > largest and not session.relay.has("any-range"):
        session.error(exchange, codes.INVALID_RANGE)
        return
    beyond = last[0] > largest.group or (last[0] == largest.group and (last[1] or 0) > largest.object)
    end = (largest.group, largest.object) if beyond else last
    wire_end: tuple[int, int]
    if session.draft.number >= 22:
        wire_end = (end[0], end[1] if end[1] is not None else max(i for g, i in track.objects if g == end[0]))
    else:
        wire_end = (end[0], 0 if end[1] is None else end[1] + 1)
    session.say(exchange, "FETCH_OK", end=wire_end)
    chosen = within(track, start, last)
    descending = request.parameter(codes.GROUP_ORDER) == 2 and not session.relay.has("always-ascending")
    if descending:
        chosen.sort(key=lambda each: (-each.group, each.id))
    await _send(session, exchange.request_id, chosen, descending)


async def fill(session: RelaySession, request_id: int, message: Message, subscription: Any, track: Any) -> None:
    """FILL_PARAMETERS of draft-22."""
    value = message.parameter(codes.FILL_PARAMETERS)
    relay = session.relay
    if value is None or track.largest is None or relay.has("no-fill"):
        return
    if not subscription.forward and not relay.has("fills-when-paused"):
        return
    inside = dict(read_fill(Reader(session.draft, value)))
    asked = inside.get(codes.FILTER, message.parameter(codes.FILTER))
    start, last = _range_22(asked if isinstance(asked, Filter) else None, track.largest)
    chosen = within(track, start, last)
    if start > track.largest and not relay.has("fills-nothing"):
        return
    await _send(session, request_id, chosen, False)


def within(track: Any, start: Location, last: tuple[int, int | None]) -> list[Object]:
    """The objects of a range, in order."""
    return [
        each
        for place, each in sorted(track.objects.items())
        if place >= tuple(start)
        and (place[0] < last[0] or (place[0] == last[0] and (last[1] is None or place[1] <= last[1])))
    ]


async def _send(session: RelaySession, request_id: int, chosen: list[Object], descending: bool) -> None:
    stream = await session.connection.open_uni_stream()
    stream.write(session.draft.integers(0x05, request_id))
    before: Object | None = None
    for each in chosen:
        change = session.relay.fault.object
        sent = each if change is None else change(each)
        if sent is None:
            continue
        stream.write(encode(session.draft, sent, before, descending))
        before = sent
    stream.write_eof()


def encode(draft: Draft, each: Object, before: Object | None, descending: bool) -> bytes:
    """An object of a FETCH, with every field that may be there."""
    flags = 0x1F
    flags |= 0x20 if each.properties else 0
    encoded = bytes([flags]) if draft.number == 15 else draft.integer(flags)
    group, number = each.group, each.id
    if draft.request_streams and before is not None:
        if before.group == each.group:
            flags &= ~0x08
            encoded, group = draft.integer(flags), -1
            number = each.id - before.id
        else:
            group = before.group - each.group - 1 if descending else each.group - before.group - 1
    if group >= 0:
        encoded += draft.integer(group)
    encoded += draft.integers(each.subgroup or 0, number) + bytes([each.priority if each.priority is not None else 128])
    if each.properties:
        encoded += draft.prefixed(draft.key_values(each.properties))
    encoded += draft.prefixed(each.payload)
    return encoded if each.payload or draft.number > 15 else encoded + draft.integer(0)

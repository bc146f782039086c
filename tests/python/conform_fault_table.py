"""Which fault each case has to find. What is not listed is a violation of this side that the peer lets pass."""

from __future__ import annotations

import fnmatch
from typing import Any

from conform_faults import TOLERATES, Fault, answers, changes, drops, instead, loses, refuses, switch
from moqt.conform.wire import codes
from moqt.conform.wire.messages import Message
from moqt.conform.wire.values import Location


def _setup(**change: Any) -> Fault:
    """SETUP with other parameters: added by their numbers, or none of them."""

    def sends(name: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        if name != "SETUP":
            return name, fields
        parameters = [*fields["parameters"].items(), *change.get("add", ())]
        kept = [each for each in parameters if each[0] not in change.get("without", ())]
        return name, {"parameters": sorted(kept, key=lambda each: each[0])}

    return Fault(sends=sends)


def _unknown(setup: Message) -> bool:
    return any(key > 0x40 for key, _ in setup.parameters)


def _asks(**wanted: Any) -> Fault:
    """Closes for a request whose names are such."""

    def matches(message: Message) -> bool:
        return all(test(message) for test in wanted.values())

    return refuses("message", matches)


_NO_ANSWER = switch("silent")
_CANCELS = switch("dies-of-cancel")

TABLE: list[tuple[str, Fault]] = [
    ("setup/exchange", drops("SETUP")),
    ("setup/no-repeated-parameters", _setup(add=[(codes.IMPLEMENTATION, b"again")])),
    ("setup/server-names-no-path", _setup(add=[(codes.PATH, b"/")])),
    ("setup/server-names-no-authority", _setup(add=[(codes.AUTHORITY, b"me")])),
    ("setup/names-implementation", _setup(without=[codes.IMPLEMENTATION])),
    ("setup/grants-requests", _setup(without=[codes.MAX_REQUEST_ID])),
    ("setup/unknown-even-parameter", refuses("setup", _unknown)),
    ("setup/unknown-odd-parameter", refuses("setup", _unknown)),
    ("setup/repeated-unknown-parameter", refuses("setup", _unknown)),
    ("setup/reserved-options", refuses("setup", _unknown)),
    ("setup/large-unknown-value", refuses("setup", _unknown)),
    ("setup/in-single-bytes", refuses("setup")),
    ("setup/longer-integers", refuses("setup")),
    ("setup/request-in-the-same-flight", _NO_ANSWER),
    ("setup/request-before-it", _NO_ANSWER),
    ("setup/token-beyond-the-cache", refuses("setup", lambda setup: setup.parameter(codes.SETUP_TOKEN) is not None)),
    ("control/in-single-bytes", _NO_ANSWER),
    ("control/longer-integers", _NO_ANSWER),
    ("control/requests-blocked", refuses("message", lambda each: each.name == "REQUESTS_BLOCKED")),
    ("control/more-requests", refuses("message", lambda each: each.name == "MAX_REQUEST_ID")),
    ("setup/unknown-alpn", switch("any-alpn")),
    ("setup/datagrams", switch("no-datagrams")),
    ("streams/second-bidirectional", Fault(code=codes.INTERNAL_ERROR)),
    ("goaway/taken", refuses("message", lambda each: each.name == "GOAWAY")),
    ("request-id/in-any-order", _asks(later=lambda each: each.fields.get("request_id", 0) > 2)),
    ("request-id/in-sequence", _NO_ANSWER),
    ("names/longest", _asks(long=lambda each: sum(map(len, each.namespace)) > 3000)),
    ("names/most-fields", _asks(many=lambda each: len(each.namespace) == 32)),
    ("names/empty-name", _asks(empty=lambda each: each.track == b"")),
    ("names/any-bytes", _asks(odd=lambda each: b"\0\xff" in each.namespace)),
    ("names/single-period", instead("REQUEST_ERROR", code=0x1)),
    ("names/unknown-session-track", instead("REQUEST_ERROR", code=0x1)),
    ("parameters/*", _asks(some=lambda each: bool(each.parameters))),
    # subscriptions
    ("subscribe/unknown-track", answers("REQUEST_ERROR", "SUBSCRIBE_OK")),
    ("subscribe/unknown-name", instead("REQUEST_ERROR", code=0x1)),
    ("subscribe/established", drops("SUBSCRIBE_OK")),
    ("subscribe/one-answer", switch("answers-twice")),
    ("subscribe/full-name-goes-upstream", switch("asks-for-another")),
    ("subscribe/namespace-below-what-is-published", switch("exact-names")),
    ("subscribe/names-are-not-joined", switch("joins-names")),
    ("subscribe/answer-waits-for-upstream", switch("answers-at-once")),
    ("subscribe/largest-object", instead("SUBSCRIBE_OK", parameters={})),
    ("subscribe/largest-object-grows", switch("largest-stays")),
    ("subscribe/no-largest-object", instead("SUBSCRIBE_OK", parameters={codes.LARGEST_OBJECT: Location(0, 0)})),
    ("subscribe/second-to-a-track", switch("allows-second")),
    ("subscribe/second-is-a-violation", switch("allows-second")),
    ("subscribe/several-to-a-track", switch("refuses-second")),
    ("subscribe/rendezvous-timeout", switch("no-rendezvous")),
    ("subscribe/no-rendezvous", instead("REQUEST_ERROR", code=0x2)),
    ("subscribe/ends", _CANCELS),
    ("subscribe/ends-for-one-only", switch("ends-for-all")),
    ("subscribe/publisher-goes", instead("PUBLISH_DONE", code=0x0)),
    ("subscribe/stream-count", instead("PUBLISH_DONE", streams=7)),
    ("subscribe/publisher-is-lost", switch("forgets-losses")),
    ("subscribe/of-a-published-track", loses()),
    ("subscribe/cancelled-before-the-answer", _CANCELS),
    ("update/taken", drops("REQUEST_OK")),
    ("track-status/unknown-track", answers("REQUEST_ERROR", "REQUEST_OK")),
    ("track-status/known-track", instead("REQUEST_OK", parameters={})),
    ("track-status/stream-ends", switch("leaves-streams-open")),
    # publications
    ("publish/accepted", drops("PUBLISH_OK", "REQUEST_OK")),
    ("publish/forward-0", drops("PUBLISH_OK", "REQUEST_OK")),
    ("publish/wanted-forward-1", switch("never-wants")),
    ("publish/second-for-a-track", instead("REQUEST_ERROR", code=0x1)),
    ("publish/ends", switch("publishes-once")),
    ("publish/longest-reason", refuses("message", lambda each: len(each.fields.get("reason", b"")) == 1024)),
    ("publish/mandatory-property", instead("REQUEST_ERROR", code=0x1)),
    ("publish/unknown-property", refuses("message", lambda each: bool(each.fields.get("properties")))),
    ("publish/properties-reach-subscribers", instead("SUBSCRIBE_OK", properties=())),
    ("publish/mandatory-in-subscribe-ok", instead("REQUEST_ERROR", code=0x1)),
    ("publish/objects-at-once", refuses("stream")),
    ("answers/unknown-error-code", refuses("message", lambda each: each.fields.get("code") == 0x3A5A)),
    ("answers/misplaced-parameter-is-ignored", refuses("message", lambda each: each.name == "SUBSCRIBE_OK")),
    ("answers/goaway-keeps-subscriptions", refuses("message", lambda each: each.name == "GOAWAY")),
    ("answers/two-tracks-one-session", switch("one-alias")),
    # namespaces
    ("publish-namespace/accepted", answers("REQUEST_OK", "REQUEST_ERROR", code=0x1)),
    ("publish-namespace/answered", drops("REQUEST_OK")),
    ("publish-namespace/withdrawn", _CANCELS),
    ("publish-namespace/withdrawn-is-not-asked", switch("keeps-namespaces")),
    ("publish-namespace/two-publishers", switch("one-publisher")),
    ("publish-namespace/keeps-to-itself", switch("offers-to-everybody")),
    ("subscribe-namespace/accepted", drops("REQUEST_OK")),
    ("subscribe-namespace/tells-what-is-there", switch("only-later")),
    ("subscribe-namespace/tells-what-comes", switch("only-existing")),
    ("subscribe-namespace/tells-below", instead("NAMESPACE", namespace=(b"else",))),
    ("subscribe-namespace/tells-what-goes", drops("NAMESPACE_DONE")),
    ("subscribe-namespace/tells-who-is-lost", switch("forgets-losses")),
    ("subscribe-namespace/tells-its-own", switch("no-echo")),
    ("subscribe-namespace/of-others-only", switch("tells-everything")),
    ("subscribe-namespace/*-prefix*", switch("overlaps")),
    ("subscribe-namespace/again-after-its-end", switch("keeps-interests")),
    ("subscribe-namespace/silent-after-its-end", switch("keeps-interests")),
    ("subscribe-namespace/everything", drops("NAMESPACE")),
    ("subscribe-namespace/brings-tracks", drops("PUBLISH")),
    ("subscribe-tracks/accepted", drops("REQUEST_OK")),
    ("subscribe-tracks/tells-what-comes", drops("PUBLISH")),
    ("subscribe-tracks/tells-what-is-there", switch("only-later")),
    ("subscribe-tracks/not-its-own", switch("offers-own")),
    ("subscribe-tracks/forward-0", instead("PUBLISH", parameters={})),
    ("subscribe-tracks/*-prefix*", switch("overlaps")),
    ("subscribe-tracks/beside-namespaces", switch("overlaps-kinds")),
    ("subscribe-tracks/silent-after-its-end", switch("keeps-interests")),
    ("subscribe-tracks/brings-objects", loses()),
    # fetches
    ("fetch/unknown-track", answers("REQUEST_ERROR", "FETCH_OK", end=(1, 0))),
    ("fetch/one-group", loses(lambda each: each.id == 1)),
    ("fetch/one-object", changes(payload=b"other")),
    ("fetch/across-groups", loses(lambda each: each.place == (2, 2))),
    ("fetch/descending", switch("always-ascending")),
    ("fetch/end-of-one-group", instead("FETCH_OK", end=(3, 3))),
    ("fetch/end-beyond-what-is-there", instead("FETCH_OK", end=(9, 0))),
    ("fetch/start-beyond-what-is-there", switch("any-range")),
    ("fetch/end-of-track-flag", instead("FETCH_OK", end_of_track=1)),
    ("fetch/by-another-session", loses(lambda each: each.id == 2)),
    ("fetch/cancelled", _CANCELS),
    ("fetch/missing-part-comes-from-upstream", switch("never-asks-for-fetch")),
    ("fetch/joining-relative", loses(lambda each: each.group == 2)),
    ("fetch/joining-current-group", loses(lambda each: each.id == 0)),
    ("fetch/joining-absolute", changes(payload=b"other")),
    ("fetch/joining-nothing", instead("REQUEST_ERROR", code=0x1)),
    ("fetch/joining-empty-track", instead("REQUEST_ERROR", code=0x1)),
    ("fetch/joining-a-paused-subscription", instead("REQUEST_ERROR", code=0x1)),
    ("fetch/range-filter-without-permission", instead("REQUEST_ERROR", code=0x1)),
    # what draft-22 brings
    ("fill/from-a-group-before", loses(lambda each: each.id == 1)),
    ("fill/current-group", switch("no-fill")),
    ("fill/whole-track", loses(lambda each: each.place == (1, 0))),
    ("fill/failure-is-told", switch("no-fill")),
    ("fill/range", loses(lambda each: each.place == (2, 0))),
    ("fill/behind-the-largest-object", switch("fills-nothing")),
    ("fill/paused", switch("fills-when-paused")),
    ("fill/by-update", switch("no-fill")),
    ("fill/live-objects-go-on", loses(lambda each: each.group == 4)),
    ("subscribe/include-properties-0", instead("SUBSCRIBE_OK", properties={0x3A5A: 1})),
    ("subscribe/range-filter-without-permission", instead("REQUEST_ERROR", code=0x1)),
    ("answers/state-notice-of-the-publisher", refuses("message", lambda each: each.name == "PUBLISH_STATE_NOTIFY")),
    ("fetch/without-a-filter", loses(lambda each: each.group == 2)),
    ("fetch/relative-start", loses(lambda each: each.group == 2)),
    ("fetch/open-end", loses(lambda each: each.place == (3, 2))),
    # data
    ("data/unknown-alias", refuses("stream", lambda each: each[0] is None)),
    ("data/datagram-with-unknown-alias", refuses("datagram", lambda each: each[0] is None)),
    ("data/padding-stream", switch("knows-no-padding")),
    ("data/padding-datagram", switch("knows-no-padding")),
    ("data/reset-stream", refuses("stream-over", lambda each: each[1].inflow.reset is not None)),
    ("data/empty-stream", refuses("stream-over", lambda each: not each[1].objects)),
    ("data/empty-properties", refuses("object")),
    ("data/unknown-property", refuses("object", lambda each: bool(each.properties))),
    # delivery
    ("delivery/subgroups-subgroup-0", changes(payload=lambda each: each + b"!")),
    ("delivery/subgroups-first-object", changes(subgroup=1)),
    ("delivery/subgroups-explicit", changes(subgroup=2)),
    ("delivery/subgroups-properties", changes(properties=lambda each: each and [(0x3C5A, 99)])),
    ("delivery/subgroups-first-object-bit", loses(lambda each: each.group == 3)),
    ("delivery/datagrams", changes(priority=1)),
    ("delivery/datagram-status", loses()),
    ("delivery/end-of-group", loses(lambda each: each.status != 0)),
    ("delivery/end-of-track", loses(lambda each: each.status != 0)),
    ("delivery/does-not-exist", refuses("object", lambda each: each.status == 1)),
    ("delivery/contains-end-of-group", switch("forgets-end-of-group")),
    ("delivery/empty-payload", loses(lambda each: not each.payload)),
    ("delivery/large-object", changes(payload=lambda each: each[:-1])),
    ("delivery/large-numbers", changes(group=lambda each: each & 0xFFFFFFFF)),
    ("delivery/gaps", changes(id=lambda each: min(each, 5))),
    ("delivery/order-in-a-stream", loses(lambda each: each.id == 100)),
    ("delivery/subgroups-apart", switch("one-stream")),
    ("delivery/before-it-is-whole", Fault()),
    ("delivery/fin", switch("swaps-ends")),
    ("delivery/reset", switch("swaps-ends")),
    ("delivery/two-subscribers", switch("one-subscriber")),
    ("delivery/stopped-stream", loses(lambda each: each.group == 1)),
    ("delivery/properties", changes(properties=lambda each: each[:2])),
    ("delivery/immutable-properties", changes(properties=lambda each: [(0x0B, b"")])),
    ("filter/largest-object", loses(lambda each: each.place == (2, 2))),
    ("filter/*", switch("ignores-filters")),
    ("forward/0-brings-nothing", switch("ignores-forward")),
    ("forward/0-by-update", switch("ignores-updates")),
    ("malformed-track/*", switch("takes-malformed")),
]


def fault_for(name: str) -> Fault:
    """What the case of that name has to find."""
    return next((fault for pattern, fault in TABLE if fnmatch.fnmatchcase(name, pattern)), TOLERATES)

"""The methods of a :class:`moqt.session.MoqtSession` that send one message each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence

from msquic._native.moqt import (
    GroupOrder,
    Location,
    Parameter,
    PublishDoneCode,
    RequestErrorCode,
    SubscriptionFilter,
    TrackNamespace,
)

from . import message as m
from ._session_core import Request
from ._session_receiving import SessionReceiving
from ._session_state import Role
from .exceptions import EncodeError, SessionStateError

__all__ = ["Namespace", "SessionSending"]

Namespace = TrackNamespace | Sequence[str | bytes]
UNCOUNTED = 2**62 - 1
"""Stream Count of a publisher that did not count (section 9.15)."""


class SessionSending(SessionReceiving):
    """Each method gives the bytes of the message, and sends them when there is a control stream."""

    @abstractmethod
    def send_message(self, message: m.ControlMessage) -> bytes: ...

    def _send_request(self, make: Callable[[int], Request], send: Callable[[m.ControlMessage], object]) -> Request:
        request_id = self.allocate_request_id()
        try:
            request = make(request_id)
            send(request)
        except BaseException:
            if self.next_request_id == request_id + 2:
                self.next_request_id = request_id  # nothing went out: the next request has it
            raise
        return request

    def _request_bytes(self, make: Callable[[int], Request]) -> bytes:
        sent: list[bytes] = []
        self._send_request(make, lambda message: sent.append(self.send_message(message)))
        return sent[0]

    # The session.

    def send_client_setup(
        self, path: str | None = None, authority: str | None = None, max_request_id: int = 100
    ) -> bytes:
        """CLIENT_SETUP; `max_request_id` is one more than the largest Request ID of the server (section 9.3)."""
        if self.role is not Role.CLIENT:
            raise SessionStateError("a server sends SERVER_SETUP: send_server_setup()")
        setup = m.ClientSetup()
        setup.set_max_request_id(max_request_id)
        if path is not None:
            setup.set_path(path)
        if authority is not None:
            setup.set_authority(authority)
        return self.send_message(setup)

    def send_server_setup(self, max_request_id: int = 100) -> bytes:
        """SERVER_SETUP, once CLIENT_SETUP is here (section 9.3). The session is established."""
        if self.role is not Role.SERVER:
            raise SessionStateError("a client sends CLIENT_SETUP: send_client_setup()")
        setup = m.ServerSetup()
        setup.set_max_request_id(max_request_id)
        return self.send_message(setup)

    def send_goaway(self, new_session_uri: str = "") -> bytes:
        """GOAWAY, once; only a server's has a URI (section 9.4)."""
        return self.send_message(m.Goaway(new_session_uri))

    def send_max_request_id(self, request_id: int) -> bytes:
        """Raises the limit of the peer's Request IDs to below `request_id` (section 9.5)."""
        if request_id <= self.max_request_id:
            raise EncodeError("request_id", f"must be above the limit of now, {self.max_request_id} (section 9.5)")
        data = self.send_message(m.MaxRequestId(request_id))
        self.max_request_id = request_id
        return data

    def send_requests_blocked(self, maximum_request_id: int | None = None) -> bytes:
        """Says that a request waits for more than the limit, which is that of now unless given (section 9.6)."""
        limit = self.peer_max_request_id if maximum_request_id is None else maximum_request_id
        return self.send_message(m.RequestsBlocked(limit))

    # Requests. Their answers come as messages.

    def send_subscribe(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        subscription_filter: SubscriptionFilter | None = None,
        group_order: GroupOrder | None = None,
        delivery_timeout: int | None = None,
    ) -> bytes:
        """SUBSCRIBE with the next Request ID (section 9.9); `delivery_timeout` in milliseconds."""
        return self._request_bytes(
            self._subscribe(track_namespace, track_name, subscription_filter, group_order, delivery_timeout)
        )

    def _subscribe(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        subscription_filter: SubscriptionFilter | None,
        group_order: GroupOrder | None,
        delivery_timeout: int | None,
    ) -> Callable[[int], Request]:
        def make(request_id: int) -> m.Subscribe:
            request = m.Subscribe(request_id, track_namespace, track_name)
            request.filter = subscription_filter
            request.group_order = group_order
            request.delivery_timeout = delivery_timeout
            return request

        return make

    def send_publish(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        delivery_timeout: int | None = None,
        track_alias: int | None = None,
    ) -> bytes:
        """PUBLISH with the next Request ID and, unless given, track alias (section 9.13)."""
        return self._request_bytes(self._publish(track_namespace, track_name, delivery_timeout, track_alias))

    def _publish(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        delivery_timeout: int | None,
        track_alias: int | None,
    ) -> Callable[[int], Request]:
        def make(request_id: int) -> m.Publish:
            alias = self.allocate_track_alias() if track_alias is None else track_alias
            request = m.Publish(request_id, track_namespace, track_name, alias)
            request.delivery_timeout = delivery_timeout
            return request

        return make

    def send_fetch(self, track_namespace: Namespace, track_name: str | bytes, start: Location, end: Location) -> bytes:
        """A standalone FETCH with the next Request ID; `end` is one more than the last object, or object 0 for all of
        the group (section 9.16)."""
        return self._request_bytes(lambda i: m.Fetch(i, track_namespace, track_name, start, end))

    def send_track_status(self, track_namespace: Namespace, track_name: str | bytes) -> bytes:
        """TRACK_STATUS, a question, with the next Request ID (section 9.19)."""
        return self._request_bytes(lambda i: m.TrackStatus(i, track_namespace, track_name))

    def send_publish_namespace(self, track_namespace: Namespace) -> bytes:
        """PUBLISH_NAMESPACE with the next Request ID (section 9.20)."""
        return self._request_bytes(lambda i: m.PublishNamespace(i, track_namespace))

    def send_subscribe_namespace(self, track_namespace_prefix: Namespace) -> bytes:
        """SUBSCRIBE_NAMESPACE with the next Request ID (section 9.23)."""
        return self._request_bytes(lambda i: m.SubscribeNamespace(i, track_namespace_prefix))

    def send_subscribe_update(self, request_id: int, parameters: Iterable[Parameter] | None = None) -> bytes:
        """SUBSCRIBE_UPDATE, with the next Request ID, of the subscription that `request_id` began (section 9.11)."""
        return self._request_bytes(lambda i: m.SubscribeUpdate(i, request_id, parameters or ()))

    # Answers to requests of the peer.

    def send_subscribe_ok(
        self, request_id: int, parameters: Iterable[Parameter] | None = None, track_alias: int | None = None
    ) -> bytes:
        """SUBSCRIBE_OK with the next track alias unless given (section 9.10)."""
        alias = self.allocate_track_alias() if track_alias is None else track_alias
        return self.send_message(m.SubscribeOk(request_id, alias, parameters or ()))

    def send_publish_ok(self, request_id: int, parameters: Iterable[Parameter] | None = None) -> bytes:
        """PUBLISH_OK (section 9.14)."""
        return self.send_message(m.PublishOk(request_id, parameters or ()))

    def send_fetch_ok(
        self,
        request_id: int,
        parameters: Iterable[Parameter] | None = None,
        end_location: Location | None = None,
        end_of_track: bool = False,
    ) -> bytes:
        """FETCH_OK; `end_location` is that of the FETCH unless given (section 9.17)."""
        request = self._to_answer.get(request_id)
        if end_location is None:
            end_location = request.end if isinstance(request, m.Fetch) else Location()
        return self.send_message(m.FetchOk(request_id, end_of_track, end_location, parameters or ()))

    def send_request_ok(self, request_id: int, parameters: Iterable[Parameter] | None = None) -> bytes:
        """REQUEST_OK: to SUBSCRIBE_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE and PUBLISH_NAMESPACE (section 9.7)."""
        return self.send_message(m.RequestOk(request_id, parameters or ()))

    def send_publish_namespace_ok(self, request_id: int, parameters: Iterable[Parameter] | None = None) -> bytes:
        """REQUEST_OK."""
        return self.send_request_ok(request_id, parameters)

    def send_subscribe_namespace_ok(self, request_id: int, parameters: Iterable[Parameter] | None = None) -> bytes:
        """REQUEST_OK."""
        return self.send_request_ok(request_id, parameters)

    def send_request_error(self, request_id: int, error_code: int, reason: str = "") -> bytes:
        """REQUEST_ERROR to any request, with a code of :class:`moqt.RequestErrorCode` (section 9.8)."""
        return self.send_message(m.RequestError(request_id, error_code, reason))

    # Ends.

    def unsubscribe(self, request_id: int) -> bytes:
        """UNSUBSCRIBE (section 9.12)."""
        return self.send_message(m.Unsubscribe(request_id))

    def unsubscribe_namespace(self, request_id: int) -> bytes:
        """UNSUBSCRIBE_NAMESPACE (section 9.24)."""
        return self.send_message(m.UnsubscribeNamespace(request_id))

    def send_publish_done(
        self,
        request_id: int,
        status_code: int = PublishDoneCode.TRACK_ENDED,
        reason_phrase: str = "",
        stream_count: int = UNCOUNTED,
    ) -> bytes:
        """PUBLISH_DONE of the subscription that `request_id` began, once every stream of it is closed; 2**62 - 1 says
        that they were not counted (section 9.15)."""
        return self.send_message(m.PublishDone(request_id, status_code, stream_count, reason_phrase))

    def send_fetch_cancel(self, request_id: int) -> bytes:
        """FETCH_CANCEL (section 9.18)."""
        return self.send_message(m.FetchCancel(request_id))

    def send_publish_namespace_done(self, request_id: int) -> bytes:
        """PUBLISH_NAMESPACE_DONE for the namespace of this end's PUBLISH_NAMESPACE `request_id` (section 9.21)."""
        return self.send_message(m.PublishNamespaceDone(self._namespace(request_id)))

    def send_publish_namespace_cancel(
        self, request_id: int, error_code: int = RequestErrorCode.INTERNAL_ERROR, reason: str = ""
    ) -> bytes:
        """PUBLISH_NAMESPACE_CANCEL for the namespace of the peer's PUBLISH_NAMESPACE `request_id` (section 9.22)."""
        return self.send_message(m.PublishNamespaceCancel(self._namespace(request_id), error_code, reason))

    def _namespace(self, request_id: int) -> TrackNamespace:
        request = self._namespaces.get(request_id)
        if request is None:
            raise SessionStateError(f"no accepted PUBLISH_NAMESPACE has the Request ID {request_id}")
        return request.track_namespace

"""One end of a session by its messages alone: :class:`MoqtSession` keeps Request IDs, state and tracks, without I/O.

The bytes of the control stream go in with :meth:`MoqtSession.receive_data` and come out of the methods that are called
to send something, and of :meth:`MoqtSession.data_to_send`::

    session = MoqtSession(role=Role.CLIENT)
    write(session.send_client_setup(path="/moqt"))
    for message in session.receive_data(read()):
        ...
    write(session.data_to_send())

Whoever has objects of :mod:`msquic` gives them to the session, :meth:`MoqtSession.set_connection` and
:meth:`MoqtSession.set_control_stream`, which then sends and receives by itself. Data streams and datagrams are the
program's: :mod:`moqt.data_stream`. For publishing and subscribing without counting anything, there is
:mod:`moqt.asyncio`.
"""

from __future__ import annotations

from msquic._native.moqt import SubscriptionFilter

from ._session_requests import SessionRequests
from ._session_state import Role, SessionState, TrackInfo
from .version import CURRENT_VERSION, SUPPORTED_VERSIONS

__all__ = [
    "CURRENT_VERSION",
    "SUPPORTED_VERSIONS",
    "MoqtSession",
    "Role",
    "SessionState",
    "SubscriptionFilter",
    "TrackInfo",
]


class MoqtSession(SessionRequests):
    """One end of a session of draft-15 without any I/O; see :mod:`moqt.session`.

    Every method that sends a message gives its bytes, which the program writes to the control stream. What the session
    says by itself, the answers that ``on_subscribe`` and ``on_publish`` decide and the requests of the awaiting
    methods, is in :meth:`data_to_send`. With :meth:`set_control_stream` all of it is sent at once, and the bytes that
    the methods give are there for those who look at them.

    Bytes of the peer that break a rule close the session and raise :class:`moqt.ProtocolViolation`; calls that are not
    possible raise :class:`moqt.SessionStateError`, values without an encoding :class:`moqt.EncodeError`, and send
    nothing. A session is used by one thread at a time.

    Checked are the order of messages, Request IDs, limits, track aliases, and that answers fit their requests (sections
    9.1, 9.3 to 9.5, 9.7, 9.10, 9.13). PATH and AUTHORITY, tokens and filters are the program's to look at.
    """

    # The methods stand in three classes, each a part of what a session does; this one is what users see.

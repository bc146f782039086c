#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/perspective.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What one peer may make this endpoint hold. All on by default; what exceeds a limit is refused by the narrowest
/// means the draft has, and only if there is none by closing the session.
struct Limits {
  /// Requests of the peer that may be open at once. The credit of MAX_REQUEST_ID [d15 §9.5] follows from it and
  /// is replenished as requests end. In drafts without that the transport admits a stream for each of so many, but not
  /// less than kLeastRequestStreams, and what it admits beyond gets REQUEST_ERROR.
  std::uint64_t max_open_requests = 256;
  /// A transport is told how many streams it may admit before the draft is known, and in those with a single
  /// bidirectional stream another one has to come to be seen.
  static constexpr std::uint64_t kLeastRequestStreams = 4;
  [[nodiscard]] std::uint64_t max_request_streams() const noexcept {
    return std::max(max_open_requests, kLeastRequestStreams);
  }
  /// Requests of our own that may wait for the peer's credit; more are refused to the caller, who is told when there
  /// is room again.
  std::size_t max_waiting_requests = 1024;
  /// PUBLISH_NAMESPACE and SUBSCRIBE_NAMESPACE the peer may have open [d15 §12.3.1]; more get REQUEST_ERROR.
  std::size_t max_published_namespaces = 128;
  std::size_t max_namespace_subscriptions = 64;
  /// Namespaces that the peer may tell of (NAMESPACE) for one subscribe_namespace(); more close the session.
  std::size_t max_found_namespaces = 64 * 1024;
  /// FETCHes the peer may have open; more get REQUEST_ERROR.
  std::size_t max_fetches = 64;
  /// Data streams the peer may have open at once; beyond it the least urgent one is answered with STOP_SENDING. The
  /// transport should allow some more, or the peer waits for streams that are never closed.
  std::size_t max_incoming_streams = 1024;
  /// Data streams this endpoint may have open at once; open_subgroup() and open_fetch() beyond
  /// it cancel the least urgent one.
  std::size_t max_outgoing_streams = 1024;
  /// Bytes of object headers (extensions above all) that are put together from pieces at once, over all streams of the
  /// peer. A stream that needs more is answered with STOP_SENDING.
  std::size_t max_object_header_bytes = 16 * 1024 * 1024;
  /// Data for a track alias that no SUBSCRIBE_OK has introduced yet [d15 §10.4.2]: how many streams and bytes
  /// wait for it. Streams that bring more are paused, so that flow control holds the peer up; a stream too many is
  /// answered with STOP_SENDING, and datagrams are dropped.
  std::size_t max_unknown_alias_streams = 64;
  std::size_t max_unknown_alias_bytes = 256 * 1024;
  std::size_t max_unknown_alias_datagrams = 64;
  /// Datagrams that wait for the transport, per subscription; the oldest is dropped for a newer one.
  std::size_t max_queued_datagrams = 256;
  /// Bytes of the tokens that the peer may register (MAX_AUTH_TOKEN_CACHE_SIZE); each counts for 16 more than its value
  /// [d15 §9.3.1.4]. 0 allows no alias.
  std::uint64_t max_auth_token_cache_bytes = 4096;
  /// The same of our tokens at the peer, however much more it would keep.
  std::uint64_t max_registered_token_bytes = 64 * 1024;
  /// Ranges that all Range Filters of one request of the peer may have together (MAX_FILTER_RANGES, draft-22 section
  /// 9.1.6); a request with more gets INVALID_FILTER. 0 allows none.
  std::uint64_t max_filter_ranges = 64;
  /// Events that wait for the application. More close the session with INTERNAL_ERROR: the application stopped.
  std::size_t max_queued_events = 1024 * 1024;
};

/// Zero turns a timeout off.
struct Timeouts {
  Duration setup = std::chrono::seconds(10);  ///< for the peer's SETUP: CONTROL_MESSAGE_TIMEOUT
  /// For the response to a request of ours, unless its own Patience says otherwise: it is withdrawn, and
  /// RequestRejected says TIMEOUT.
  Duration control_message = std::chrono::seconds(60);
  /// For the rest of a stream or object header that has begun (DATA_STREAM_TIMEOUT). An object payload that stops
  /// growing for this long costs only its stream: STOP_SENDING.
  Duration data_stream = std::chrono::seconds(30);
  /// How long data for an unknown track alias waits for its SUBSCRIBE_OK.
  Duration unknown_alias = std::chrono::seconds(2);
  /// After PUBLISH_DONE: how long to wait for the streams it counts [d15 §9.15].
  Duration publish_done = std::chrono::seconds(2);
  /// After FETCH_OK: how long its stream may take to begin. Then the fetch is given up: FETCH_CANCEL, and FetchEnded
  /// says DELIVERY_TIMEOUT.
  Duration fetch_stream = std::chrono::seconds(60);
  /// For the application's word on what the peer asks (SessionConfig::asks_authorization): then a request is refused
  /// with TIMEOUT, and a session closed with INTERNAL_ERROR.
  Duration authorization = std::chrono::seconds(10);
  /// When the peer has closed its control stream: how long what it has sent before may still be on its way, and is
  /// taken, before that closes the session as a PROTOCOL_VIOLATION. A peer that leaves may close its streams one by
  /// one.
  Duration control_closed = std::chrono::milliseconds(200);
  /// After our GOAWAY: how long the peer may take to leave before GOAWAY_TIMEOUT [d15 §3.5].
  Duration goaway = std::chrono::seconds(30);
};

/// Deviations from the letter of the draft, each for a reason, each to be turned on or off by name.
struct Tolerances {
  /// `leading-stream-type`: as a server, accept exactly one 0x00 byte before CLIENT_SETUP. Draft-15 has no stream
  /// type on the control stream, but clients written after the project's reference README send one.
  bool leading_stream_type = true;
  /// `empty-namespace-prefix`: accept a namespace or prefix of zero fields in SUBSCRIBE_NAMESPACE and
  /// PUBLISH_NAMESPACE. [d15 §9.23] demands PROTOCOL_VIOLATION, but moq-rs clients open with one to ask for all.
  bool empty_namespace_prefix = false;
};

struct SessionConfig {
  Perspective perspective = Perspective::kClient;
  SessionTransport transport = SessionTransport::kQuic;
  /// Client on raw QUIC: from the moqt URI. `path` is path-abempty with an optional query.
  std::string path;
  std::string authority;
  /// Sent in our SETUP, in this order: USE_VALUE, or REGISTER to have the peer keep it. Aliases are given by the
  /// session.
  std::vector<AuthorizationToken> authorization_tokens;
  /// Of these, of which type and value count, each request carries those that it does not carry anyway.
  std::vector<AuthorizationToken> request_tokens;
  /// The same, of the requests to a publisher alone: SUBSCRIBE, SUBSCRIBE_UPDATE, FETCH and TRACK_STATUS. What a relay
  /// shows to publishers, and not to subscribers.
  std::vector<AuthorizationToken> publisher_tokens;
  /// Nothing that the peer asks is reported before the application has allowed it: AuthorizationRequested asks for each
  /// request that may carry tokens and, on a server, for the session itself before SERVER_SETUP goes out.
  bool asks_authorization = false;
  /// Free text for MOQT_IMPLEMENTATION; empty sends none.
  std::string implementation = "msquic-py";
  /// Bytes that may be in the transport's hands at once, over all data streams; the rest stays in priority order
  /// here. set_send_window() changes it while running.
  std::size_t send_window = 64 * 1024;
  /// What the session holds is charged to it, and what is received for a track that is not known yet; null: to nobody.
  std::shared_ptr<base::Account> account;
  /// What an application on top of the session has not taken yet, and what its track writers keep; null: to nobody.
  std::shared_ptr<base::Account> readers, writers;
  Limits limits;
  Timeouts timeouts;
  Tolerances tolerances;
};

}  // namespace msquic_py::moqt::session

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dispatch_wakeup.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/setup_parameters.h"
#include "moqt/model/track_namespace.h"
#include "moqt/session/authorization/authorization_requested.h"
#include "moqt/session/event.h"
#include "quic/connection.h"
#include "quic/connection_handler.h"
#include "runtime/quic_watch.h"

namespace msquic_py::python {

class SessionLink;
class ReaderLink;
struct ResponseLink;

/// Something that an asyncio loop is to know. `target` is the number of the Python object that it is for.
struct Notice {
  enum class Kind : std::uint8_t {
    Established,  ///< parameters
    Accepted,     ///< session, parameters, connection, flag (resumed): a server's new session
    Closed,       ///< code, text, flag (by the peer), close
    Going,        ///< text: the URI of the peer's GOAWAY; about one request: its target, or its ticket
    Answered,     ///< ticket; largest, and of a subscription: track_alias, properties
    Refused,      ///< ticket, code, text, retry_after_ms, redirect: the peer's REQUEST_ERROR
    Failed,       ///< ticket, text: not possible here
    Drained,      ///< ticket
    Subscribers,  ///< code: how many; flag: whether any wants objects
    Namespace,    ///< track_namespace, flag: begun or ended
    Offer,        ///< ticket: the request; track_namespace, track_name, largest, properties
    Readable,
    Ended,
    Cancelled,     ///< ticket: the announcement that the peer does not want any more; code, text
    Listening,     ///< code: the port
    NotListening,  ///< error
    Stopped,
    NewGroup,     ///< code: the group asked for
    Connected,    ///< connection, flag: resumed
    Ticket,       ///< track_name: the bytes of a resumption ticket
    Certificate,  ///< connection, certificate: about which Python decides
    Asked,        ///< ticket: the request; track_namespace: whether the peer may announce it
    FetchAsked,   ///< ticket: the request; response: a FETCH that Python answers
    FetchGone,    ///< ticket: the request, whose answer nobody waits for any more
    Authorize,    ///< ticket: the request; code: whose, a session's target or a relay's peer; question, parameters,
                  ///< connection, flag (resumed)
    Authorized,   ///< ticket, code: as before; the question needs no answer any more; flag: none of that code does
    Skipped,      ///< track_namespace, track_name: a track that the peer does not offer, though it was asked to
    Told,         ///< ticket, code: how many were told
    Changed,      ///< largest, properties: what a publisher tells of its subscription (PUBLISH_STATE_NOTIFY)
  };
  std::uint64_t target = 0;
  Kind kind = Kind::Answered;
  bool flag = false;
  std::uint64_t ticket = 0;
  std::uint64_t code = 0;
  std::string text{};
  std::optional<std::uint64_t> retry_after_ms{};
  std::optional<moqt::session::Redirect> redirect{};
  std::optional<moqt::Location> largest{};
  std::uint64_t track_alias = 0;
  moqt::TrackNamespace track_namespace{};
  base::ByteVector track_name{};
  moqt::SetupParameters parameters{};
  moqt::MessageParameters properties{};
  std::shared_ptr<SessionLink> session{};
  std::optional<quic::CloseReason> close{};
  std::optional<quic::Error> error{};
  quic::Connection connection{};
  std::shared_ptr<runtime::ShownCertificate> certificate{};
  std::shared_ptr<ResponseLink> response{};
  std::shared_ptr<moqt::session::AuthorizationRequested> question{};
};

/// Notices on their way from the sessions' thread, which never waits for the GIL, to one asyncio loop. One wake-up per
/// batch. Objects are not in here: a reader keeps them until they are wanted.
class SessionChannel {
 public:
  /// A number for an object of this loop; never 0.
  [[nodiscard]] std::uint64_t next_target() noexcept { return ++last_target_; }
  /// Any thread.
  void push(Notice notice);
  /// The loop's thread: at most `limit` of the oldest notices. Signals again when some are left.
  [[nodiscard]] std::vector<Notice> take(std::size_t limit);
  /// The loop is over: what is told from now on is dropped, and sessions that it never got to know are closed.
  void close();
  [[nodiscard]] Wakeup& wakeup() noexcept { return wakeup_; }

 private:
  Wakeup wakeup_;
  std::atomic<std::uint64_t> last_target_{0};
  std::mutex mutex_;
  std::vector<Notice> notices_;
  bool armed_ = true;  // the loop sleeps or is about to
  bool closed_ = false;
};

}  // namespace msquic_py::python

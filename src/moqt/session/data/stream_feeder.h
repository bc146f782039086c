#pragma once

#include <cstddef>

#include "moqt/session/handles.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// A stream gets more from its feeder only while it has less than this waiting in the session, in bytes and in slices,
/// or objects if they are more: small slices hold on to large slabs, and what waits here is not left out for its age.
constexpr std::size_t kFeedMark = 16 * 1024;
constexpr std::size_t kFeedSlices = 32;

/// What of a stream waits in the session for the transport.
struct StreamBacklog {
  bool open = false;  ///< it takes more: it was not finished, retired or reset
  std::size_t bytes = 0;
  std::size_t slices = 0;    ///< or objects, if they are more
  std::uint64_t handed = 0;  ///< what the transport has been given of it before, in bytes

  /// Whether a feeder should go on appending.
  [[nodiscard]] bool has_room() const noexcept { return open && bytes < kFeedMark && slices < kFeedSlices; }
};

/// Whoever holds the objects of a stream and hands them over when their turn to be sent comes.
///
/// After Session::request_feed() the stream counts as having something to send. When its turn comes [d15 §7.2], the
/// transport has room and the stream has room (StreamBacklog::has_room()), poll_action() calls feed() once, which uses
/// the request up.
class StreamFeeder {
 public:
  virtual ~StreamFeeder() = default;
  /// Appends to `stream` until Session::backlog() says that there is no room, or until there is no more for now. `now`
  /// is what poll_action() was told. With more at hand it calls Session::request_feed() before it returns; a call that
  /// has appended nothing and not finished the stream gets no further one until request_feed() is called again, from
  /// outside of feed().
  ///
  /// It runs inside of Session::poll_action(). It may call everything that sends objects or observes, for this stream
  /// and for others, and open streams, finish, retire and reset them, end requests and close the session. It must
  /// not call poll_action(), poll_event() or an on_…() method, and it does not throw.
  virtual void feed(StreamHandle stream, Time now) = 0;
};

}  // namespace msquic_py::moqt::session

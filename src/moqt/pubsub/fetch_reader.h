#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "moqt/model/full_track_name.h"
#include "moqt/pubsub/kept_pieces.h"
#include "moqt/pubsub/object_queue.h"
#include "moqt/pubsub/received_object.h"
#include "moqt/pubsub/track_reader.h"
#include "moqt/session/event.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// How a FETCH of ours ended.
struct FetchEnd {
  enum class Cause : std::uint8_t {
    kFinished,       ///< all that exists of the range came
    kRejected,       ///< REQUEST_ERROR; `code` is a RequestErrorCode
    kReset,          ///< the publisher broke it off; `code` is a StreamResetCode
    kMalformed,      ///< the track broke the rules of [d15 §2.4.2]
    kCancelled,      ///< by this endpoint
    kSessionClosed,  ///< `code` is a SessionErrorCode
    /// All came that exists of the range, but for what the publisher left out: see FetchGap. `code` is
    /// StreamResetCode::kUnknownObjectStatus.
    kGaps,
  };
  Cause cause = Cause::kCancelled;
  std::uint64_t code = 0;
  std::string reason;
  /// Of a REQUEST_ERROR, see session::RequestRejected.
  std::optional<std::uint64_t> retry_after_ms{};
  std::optional<session::Redirect> redirect{};
};

/// A part of the range of a FETCH of ours that its publisher has left out (draft-22 section 3.2.2).
struct FetchGap {
  std::optional<Location> behind;  ///< the object or gap before it, in the order of the fetch; nothing: none was
  Location last;
  std::uint64_t objects_before = 0;  ///< complete objects of the fetch that came before it
  bool timed_out = false;            ///< there was no time to find out (FILL_TIMEOUT); otherwise nobody knows
};

/// Receives what a FETCH brings: past objects, in the order of the request. Nothing is dropped for a slow reader: while
/// more than ReceiveLimits::fetch_queue bytes wait, the publisher does. Made by Endpoint.
class FetchReader {
 public:
  enum class State : std::uint8_t { kPending, kAccepted, kEnded };

  FetchReader(session::Session& session, session::RequestHandle request, FullTrackName track,
              const ReceiveLimits& limits);
  FetchReader(const FetchReader&) = delete;
  FetchReader& operator=(const FetchReader&) = delete;

  [[nodiscard]] session::RequestHandle request() const noexcept { return request_; }
  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  /// Of FETCH_OK: one past the last place that the answer covers, with Object ID 0 all of the group. Objects may come
  /// before FETCH_OK does.
  [[nodiscard]] const std::optional<Location>& range_end() const noexcept { return range_end_; }
  /// Of FETCH_OK: the track ends there.
  [[nodiscard]] bool end_of_track() const noexcept { return end_of_track_; }
  /// What the publisher has left out and does not say to be empty, oldest first: the next one that was not taken yet.
  /// It is known here before what comes behind it can be read. Where more than kMostGaps wait, the latest takes in
  /// those behind it. Any thread.
  [[nodiscard]] std::optional<FetchGap> next_gap() const;
  std::optional<FetchGap> take_gap();
  /// Whether that one is what comes next: everything before it has been read.
  [[nodiscard]] bool at_gap() const;
  static constexpr std::size_t kMostGaps = 1024;
  /// Set in state kEnded; objects queued before can still be read.
  [[nodiscard]] const std::optional<FetchEnd>& end() const noexcept { return end_; }

  /// Takes the oldest complete object into `object`, whose vectors are reused. False when there is none.
  bool read(ReceivedObject& object);
  [[nodiscard]] std::size_t available() const { return ready_->size(); }
  [[nodiscard]] std::size_t queued_bytes() const { return ready_->bytes(); }
  /// Where the complete objects wait; any thread may take them from there. Then wants_resume() says whether resume() is
  /// to be called, on the session's thread.
  [[nodiscard]] const std::shared_ptr<ObjectQueue>& queue() const noexcept { return ready_; }
  [[nodiscard]] bool wants_resume() const { return paused_.load() && ready_->bytes() <= limits_.fetch_queue / 2; }
  void resume();
  /// Objects larger than ReceiveLimits::object, which are left out.
  [[nodiscard]] std::uint64_t objects_too_large() const noexcept { return ready_->too_large(); }

  /// FETCH_CANCEL. Objects that were complete stay readable.
  void cancel();

 private:
  friend class Endpoint;

  void on(const session::FetchAccepted& event);
  void on(session::FetchObjectReceived& event);
  void on(session::ObjectPayload& event);
  void on(const session::FetchGapReceived& event);
  void on_end(FetchEnd end);
  void deliver(ReceivedObject&& object);
  [[nodiscard]] bool became_readable() noexcept { return std::exchange(became_readable_, false); }

  session::Session& session_;
  KeptPieces pieces_;
  const session::RequestHandle request_;
  const FullTrackName track_;
  const ReceiveLimits limits_;
  const std::shared_ptr<ObjectQueue> ready_;
  State state_ = State::kPending;
  std::optional<Location> range_end_;
  bool end_of_track_ = false;
  std::optional<FetchEnd> end_;
  std::optional<session::IncomingStreamId> stream_;
  std::atomic<bool> paused_{false};
  mutable std::mutex gaps_mutex_;  ///< of gaps_
  std::deque<FetchGap> gaps_;
  std::optional<Location> passed_;  ///< the latest object or gap
  bool assembling_ = false;
  ReceivedObject object_;
  bool became_readable_ = false;
};

}  // namespace msquic_py::moqt::pubsub

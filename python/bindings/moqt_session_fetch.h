#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "moqt/pubsub/fetch_reader.h"
#include "moqt/pubsub/fetch_response.h"
#include "moqt_refused_objects.h"
#include "moqt_session_channel.h"
#include "moqt_track_progress.h"

namespace msquic_py::python {

namespace nb = nanobind;
class SessionLink;

/// A FETCH of Python's on its way from the sessions' thread. Nothing is dropped for a slow reader: what Python does not
/// take makes the publisher wait.
class FetchLink : public std::enable_shared_from_this<FetchLink> {
 public:
  /// `progress`: see ReaderLink.
  FetchLink(std::shared_ptr<SessionLink> session, std::uint64_t target, std::shared_ptr<ProgressLink> progress) noexcept
      : session_(std::move(session)), target_(target), progress_(std::move(progress)) {}
  [[nodiscard]] std::uint64_t target() const noexcept { return target_; }

  // ---- the sessions' thread ----

  void attach(std::shared_ptr<moqt::pubsub::FetchReader> reader);
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::FetchReader>& reader() const noexcept { return reader_; }
  /// There is something to read, FETCH_OK has come, or the fetch has ended: says so if Python waits.
  void look();
  /// Nobody will read what waits.
  void discard();
  std::uint64_t ticket = 0;  ///< of whoever waits for the answer; 0 once it was answered

  // ---- Python's threads, with the GIL ----

  /// As ReaderLink::take(); nothing from behind a gap, until that is taken.
  nb::list take(std::size_t limit);
  /// (end of what came before it, or None, its own end, whether there was no time to find out) when what comes next is
  /// a gap, None otherwise. The ends as FETCH says them.
  nb::object take_gap();
  /// (cause, code, reason) after the last object was taken, None before that.
  nb::object end();
  /// (end of the range, whether the track ends there) of FETCH_OK, None before it.
  nb::object accepted();
  [[nodiscard]] std::uint64_t too_large();

 private:
  [[nodiscard]] std::shared_ptr<moqt::pubsub::FetchReader> shared_reader();

  const std::shared_ptr<SessionLink> session_;
  const std::uint64_t target_;
  const std::shared_ptr<ProgressLink> progress_;
  std::shared_ptr<moqt::pubsub::FetchReader> reader_;

  std::mutex mutex_;
  std::shared_ptr<moqt::pubsub::FetchReader> taken_from_;
  std::optional<moqt::pubsub::FetchEnd> end_;
  std::optional<moqt::Location> range_end_;
  bool end_of_track_ = false;
  std::atomic<bool> waiting_{false};
};

/// A FETCH of the peer that Python answers.
struct ResponseLink {
  ResponseLink(std::shared_ptr<SessionLink> link, std::shared_ptr<moqt::pubsub::FetchResponse> made) noexcept
      : session(std::move(link)), response(std::move(made)) {}

  const std::shared_ptr<SessionLink> session;
  RefusedObjects refused;
  // The sessions' thread.
  std::shared_ptr<moqt::pubsub::FetchResponse> response;
  std::vector<std::uint64_t> drain_tickets;
};

/// A fetch; dropping it cancels it.
class FetchHandle {
 public:
  FetchHandle(std::shared_ptr<SessionLink> session, std::shared_ptr<FetchLink> fetch) noexcept
      : session_(std::move(session)), fetch_(std::move(fetch)) {}
  FetchHandle(FetchHandle&&) noexcept = default;
  FetchHandle(const FetchHandle&) = delete;
  FetchHandle& operator=(const FetchHandle&) = delete;
  ~FetchHandle();
  [[nodiscard]] const std::shared_ptr<FetchLink>& fetch() const noexcept { return fetch_; }
  void cancel();

 private:
  std::shared_ptr<SessionLink> session_;
  std::shared_ptr<FetchLink> fetch_;
};

/// An answer; dropping it unfinished refuses the fetch, or breaks it off.
class ResponseHandle {
 public:
  explicit ResponseHandle(std::shared_ptr<ResponseLink> link) noexcept : link_(std::move(link)) {}
  ResponseHandle(ResponseHandle&&) noexcept = default;
  ResponseHandle(const ResponseHandle&) = delete;
  ResponseHandle& operator=(const ResponseHandle&) = delete;
  ~ResponseHandle();
  [[nodiscard]] const std::shared_ptr<ResponseLink>& link() const noexcept { return link_; }

 private:
  std::shared_ptr<ResponseLink> link_;
};

}  // namespace msquic_py::python

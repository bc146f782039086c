#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "moqt/pubsub/track_writer.h"
#include "moqt_session_channel.h"

namespace msquic_py::python {

class SessionLink;

/// A track that Python writes. Its writer lives on the sessions' thread; Python leaves work for it there.
struct TrackLink {
  TrackLink(std::shared_ptr<SessionLink> link, std::uint64_t number) : session(std::move(link)), target(number) {}

  const std::shared_ptr<SessionLink> session;
  const std::uint64_t target;
  /// Bytes that Python has written and the writer has not seen yet. Any thread.
  std::atomic<std::size_t> posted{0};
  /// Bytes that wait for the slowest subscriber, as of the last turn. Any thread may read it.
  std::atomic<std::size_t> queued{0};
  std::atomic<std::uint64_t> groups_skipped{0};

  // The sessions' thread.
  std::shared_ptr<moqt::pubsub::TrackWriter> writer;
  std::vector<std::uint64_t> drain_tickets;
  bool busy = false;

  [[nodiscard]] std::size_t waiting() const noexcept { return posted.load() + queued.load(); }
};

/// One subgroup stream that Python writes.
struct GroupLink {
  explicit GroupLink(std::shared_ptr<TrackLink> of) : track(std::move(of)) {}

  const std::shared_ptr<TrackLink> track;
  /// The sessions' thread; null before the group has begun there and after its end.
  std::shared_ptr<moqt::pubsub::GroupWriter> writer;
};

}  // namespace msquic_py::python

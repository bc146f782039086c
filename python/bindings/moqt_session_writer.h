#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "moqt/objects/delivery_account.h"
#include "moqt/pubsub/track_writer.h"
#include "moqt_refused_objects.h"
#include "moqt_session_channel.h"

namespace msquic_py::python {

class SessionLink;
struct GroupLink;

/// A track that Python writes. Its writer lives on the sessions' thread; Python leaves work for it there.
struct TrackLink : std::enable_shared_from_this<TrackLink> {
  /// A track of one session.
  TrackLink(std::shared_ptr<SessionLink> link, std::uint64_t number);
  /// A track that all sessions of a server share; `server` is told when a wait is over.
  TrackLink(std::shared_ptr<SessionChannel> told, std::uint64_t number, std::uint64_t server) noexcept
      : channel(std::move(told)), target(number), waiter(server) {}

  const std::shared_ptr<SessionLink> session;  ///< null for a shared track
  const std::shared_ptr<SessionChannel> channel;
  const std::uint64_t target;
  const std::uint64_t waiter;  ///< whom tickets belong to
  /// Bytes that Python has written and the writer has not seen yet. Any thread.
  std::atomic<std::size_t> posted{0};
  /// Bytes that wait for the slowest subscriber, as of the last turn. Any thread may read it.
  std::atomic<std::size_t> queued{0};
  std::atomic<std::uint64_t> groups_skipped{0};
  RefusedObjects refused;

  [[nodiscard]] std::size_t waiting() const noexcept { return posted.load() + queued.load(); }
  /// What became of its objects; the last known when its session is over. Any thread but the sessions'; waits for that.
  [[nodiscard]] moqt::objects::DeliveryAccount deliveries();
  /// Runs `task` on the sessions' thread, unless its session is over by then. Any thread.
  void post(std::function<void()> task);

  // ---- the sessions' thread ----

  void begin_group(const std::shared_ptr<GroupLink>& group, std::uint64_t number,
                   const moqt::pubsub::GroupOptions& options);
  void end_group(const std::shared_ptr<GroupLink>& group, std::optional<moqt::StreamResetCode> reset);
  void end();
  /// Its session is over: a shared track has none.
  void give_up();
  void reset_groups(moqt::StreamResetCode code);
  void drain(std::uint64_t ticket);
  /// Says Told: so many.
  void told(std::uint64_t ticket, std::size_t count);
  /// Something was written: it is looked after until nothing waits.
  void wrote();
  /// Says Drained to those who wait, when little waits. Whether nothing waits any more.
  bool look_after();

  std::shared_ptr<moqt::pubsub::TrackWriter> writer;
  std::unordered_set<std::shared_ptr<GroupLink>> groups;  ///< the open ones
  std::vector<std::uint64_t> drain_tickets;
  bool busy = false;

 private:
  std::mutex mutex_;
  moqt::objects::DeliveryAccount last_deliveries_;
};

/// One subgroup stream that Python writes.
struct GroupLink {
  GroupLink(std::shared_ptr<TrackLink> of, std::uint64_t id) : track(std::move(of)), number(id) {}

  const std::shared_ptr<TrackLink> track;
  const std::uint64_t number;
  /// The sessions' thread; null before the group has begun there and after its end.
  std::shared_ptr<moqt::pubsub::GroupWriter> writer;
  std::optional<moqt::session::SessionError> not_begun;  ///< why there is none: no object of the group is taken
};

}  // namespace msquic_py::python

#include "moqt_session_writer.h"

#include <chrono>
#include <future>
#include <utility>

#include "moqt_session_link.h"
#include "moqt_session_thread.h"

namespace msquic_py::python {
namespace {

/// A writer that waits goes on when so little waits for the slowest subscriber.
constexpr std::size_t kLowWater = 64 * 1024;
/// How long Python waits for the sessions' thread, which never blocks.
constexpr auto kAnswerLimit = std::chrono::seconds(1);

}  // namespace

TrackLink::TrackLink(std::shared_ptr<SessionLink> link, std::uint64_t number)
    : session(std::move(link)), channel(session->channel()), target(number), waiter(session->target()) {}

void TrackLink::post(std::function<void()> task) {
  if (session) {
    session->post([task = std::move(task)](SessionLink&) { task(); });
  } else {
    session_loop().post(std::move(task));
  }
}

void TrackLink::begin_group(const std::shared_ptr<GroupLink>& group, std::uint64_t number,
                            const moqt::pubsub::GroupOptions& options) {
  if (!writer) return;
  auto begun = writer->begin_group(number, options);
  if (!begun.ok()) {
    group->not_begun = begun.error();
    return;
  }
  group->writer = std::move(*begun);
  groups.insert(group);
}

void TrackLink::end_group(const std::shared_ptr<GroupLink>& group, std::optional<moqt::StreamResetCode> reset) {
  if (!group->writer) return;
  if (reset) {
    group->writer->reset(*reset);
  } else {
    group->writer->finish();
  }
  group->writer.reset();
  groups.erase(group);
}

void TrackLink::end() {
  if (!writer) return;
  writer->finish();
  for (const auto& group : groups) group->writer.reset();
  groups.clear();
}

void TrackLink::reset_groups(moqt::StreamResetCode code) {
  for (const auto& group : groups) group->writer->reset(code);
  for (const auto& group : groups) group->writer.reset();
  groups.clear();
}

moqt::objects::DeliveryAccount TrackLink::deliveries() {
  // The task goes unrun when the session is over; its promise tells.
  const auto answer = std::make_shared<std::promise<moqt::objects::DeliveryAccount>>();
  auto answered = answer->get_future();
  post([self = shared_from_this(), answer = std::move(answer)] {
    const std::lock_guard lock(self->mutex_);
    if (self->writer) self->last_deliveries_ = self->writer->deliveries();
    answer->set_value(self->last_deliveries_);
  });
  if (answered.wait_for(kAnswerLimit) == std::future_status::ready) {
    try {
      return answered.get();
    } catch (const std::future_error&) {
    }
  }
  const std::lock_guard lock(mutex_);
  return last_deliveries_;
}

void TrackLink::give_up() {
  if (writer) {
    const std::lock_guard lock(mutex_);
    last_deliveries_ = writer->deliveries();
  }
  for (const auto& group : groups) group->writer.reset();
  groups.clear();
  writer.reset();
  queued = 0;
}

void TrackLink::drain(std::uint64_t ticket) {
  drain_tickets.push_back(ticket);
  wrote();
}

void TrackLink::told(std::uint64_t ticket, std::size_t count) {
  channel->push({.target = waiter, .kind = Notice::Kind::Told, .ticket = ticket, .code = count});
}

void TrackLink::wrote() {
  if (busy || !writer) return;
  if (session) {
    busy = session->watch(*this);
  } else {
    busy = true;
    (void)look_after();
  }
}

bool TrackLink::look_after() {
  queued = writer ? writer->queued_bytes() : 0;
  if (writer) groups_skipped = writer->groups_skipped();
  if (waiting() <= kLowWater) {
    for (const std::uint64_t ticket : drain_tickets) {
      channel->push({.target = waiter, .kind = Notice::Kind::Drained, .ticket = ticket});
    }
    drain_tickets.clear();
  }
  if (waiting() > 0 || !drain_tickets.empty()) return false;
  busy = false;
  return true;
}

}  // namespace msquic_py::python

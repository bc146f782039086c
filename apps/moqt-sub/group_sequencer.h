#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "moqt/pubsub/received_object.h"

namespace msquic_py::apps {

/// Puts the objects of one track into the order of their locations. Groups travel on streams of their own, so the
/// next group may begin to arrive before the present one is complete; it waits here, but not for ever.
class GroupSequencer {
 public:
  using Emit = std::function<void(const moqt::pubsub::ReceivedObject& object, bool starts_group)>;
  /// Objects that may wait for the present group before it is given up.
  static constexpr std::size_t kMaxWaiting = 512;
  /// Groups that may: a stream that was reset never tells that its group is over.
  static constexpr std::size_t kMaxGroupsWaiting = 16;

  explicit GroupSequencer(Emit emit) : emit_(std::move(emit)) {}

  void add(moqt::pubsub::ReceivedObject object);
  /// Emits whatever still waits, in order, and begins anew: a track published again may begin at group 0.
  void flush();
  /// Objects that came after their group had been given up.
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }

 private:
  void emit(const moqt::pubsub::ReceivedObject& object);
  void advance();

  Emit emit_;
  std::optional<std::uint64_t> group_;  ///< the one being emitted
  bool group_ended_ = false;
  bool group_started_ = false;
  std::map<std::uint64_t, std::deque<moqt::pubsub::ReceivedObject>> waiting_;
  std::size_t waiting_count_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace msquic_py::apps

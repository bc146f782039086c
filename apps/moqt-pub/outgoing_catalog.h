#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/media_unit.h"
#include "moqt/pubsub/track_writer.h"
#include "msf/catalog.h"
#include "runtime/event_loop.h"

namespace msquic_py::apps {

/// The catalog track: a whole catalog in each group, again and again, so that a late subscriber has it soon although no
/// relay keeps it.
class OutgoingCatalog {
 public:
  using Time = runtime::EventLoop::Time;

  OutgoingCatalog(std::shared_ptr<moqt::pubsub::TrackWriter> writer, std::uint64_t first_group)
      : writer_(std::move(writer)), next_group_(first_group) {}

  [[nodiscard]] moqt::pubsub::TrackWriter& writer() const noexcept { return *writer_; }
  [[nodiscard]] const std::shared_ptr<moqt::pubsub::TrackWriter>& shared_writer() const noexcept { return writer_; }
  /// What the catalog says from now on. `names` are those of `tracks`.
  void describe(const std::vector<MediaTrack>& tracks, const std::vector<std::string>& names, Packaging packaging);
  /// Everything has been published and nothing follows (MSF section "Ending a live broadcast").
  void complete();
  /// Publishes it now. What is wrong with it, if anything.
  base::Result<void, std::string> publish(Time now);
  /// When to publish it again; nothing: nobody wants it.
  [[nodiscard]] std::optional<Time> due() const;

 private:
  static constexpr Time::duration kInterval = std::chrono::milliseconds(500);

  std::shared_ptr<moqt::pubsub::TrackWriter> writer_;
  std::uint64_t next_group_;
  msf::Catalog catalog_;
  std::optional<Time> last_;
};

}  // namespace msquic_py::apps

// A relay that has warmed up allocates nothing per object: sessions, relay and drivers reuse what they have, and
// received bytes go into slabs that come back.

#include <algorithm>
#include <array>
#include <cstring>
#include <iostream>
#include <optional>

#include "harness/allocation_count.h"
#include "moqt/session/data/object_encoding.h"
#include "unit/runtime/relay_server_fixture.h"

namespace msquic_py::runtime::testing {
namespace {

using msquic_py::testing::AllocationCount;

constexpr std::uint64_t kWarmUp = 2'000;
constexpr std::uint64_t kMeasured = 4'000;
constexpr std::uint64_t kInFlight = 16;
constexpr std::size_t kPayload = 1'200;
constexpr std::size_t kSubscribers = 3;

class RelayAllocationTest : public RelayServerTest {
 protected:
  /// The publisher's next objects, as long as the slowest subscriber is not too far behind.
  void publish() {
    if (publishing_ == nullptr || !stream_) return;
    bool any = false;
    for (; sent_ < kWarmUp + kMeasured && sent_ < delivered() + kInFlight; any = true) {
      session::Session& mine = publishing_->session();
      const auto header = session::encode_object(mine.draft(), arena_, sent_, std::nullopt, kPayload);
      ASSERT_TRUE(header.ok());
      ASSERT_TRUE(mine.append_object(*stream_, sent_, header->wire, header->delta_size, kPayload).ok());
      std::memset(arena_.reserve(kPayload), static_cast<int>(sent_ & 0x7f), kPayload);
      ASSERT_TRUE(mine.append_payload(*stream_, arena_.commit(kPayload)).ok());
      ++sent_;
    }
    if (any) publishing_->make_ready();
  }
  /// The one group of the track: a stream costs allocations, an object must not.
  void begin() {
    const auto opened = publishing_->session().open_subgroup(subscription_, {});
    ASSERT_TRUE(opened.ok());
    stream_ = *opened;
    publish();
  }
  [[nodiscard]] std::uint64_t delivered() const { return *std::min_element(bytes_.begin(), bytes_.end()) / kPayload; }
  /// A subscriber has got `count` more bytes of payload.
  void arrived(std::size_t subscriber, std::size_t count) {
    bytes_[subscriber] += count;
    const std::uint64_t now = delivered();
    if (now >= kWarmUp && !before_) before_ = AllocationCount::now();
    if (now >= kWarmUp + kMeasured && !after_) {
      after_ = AllocationCount::now();
      loop_.stop();
    }
    publish();
  }

  SessionDriver* publishing_ = nullptr;
  session::RequestHandle subscription_;
  std::optional<session::StreamHandle> stream_;
  std::uint64_t sent_ = 0;
  std::array<std::uint64_t, kSubscribers> bytes_{};
  std::optional<AllocationCount> before_;
  std::optional<AllocationCount> after_;
  base::SlabArena arena_;
};

TEST_F(RelayAllocationTest, AllocatesNothingPerObject) {
  listen();
  const moqt::FullTrackName track(moqt::TrackNamespace{"live"}, "video");
  Client publisher;
  std::array<Client, kSubscribers> subscribers;
  std::size_t accepted = 0;
  publisher.on_event = [&](SessionDriver& driver, session::Event& event) {
    session::Session& mine = driver.session();
    if (std::holds_alternative<session::Established>(event)) (void)mine.publish_namespace({"live"});
    if (std::holds_alternative<session::RequestAccepted>(event)) {
      for (Client& each : subscribers) dial(each);
    }
    if (const auto* asked = std::get_if<session::SubscribeReceived>(&event)) {
      ASSERT_TRUE(mine.accept(asked->request).ok());
      publishing_ = &driver;
      subscription_ = asked->request;
    }
  };
  for (std::size_t i = 0; i < kSubscribers; ++i) {
    subscribers[i].on_event = [&, i](SessionDriver& driver, session::Event& event) {
      if (std::holds_alternative<session::Established>(event)) (void)driver.session().subscribe(track);
      if (std::holds_alternative<session::RequestAccepted>(event) && ++accepted == kSubscribers) begin();
      if (const auto* object = std::get_if<session::ObjectReceived>(&event)) arrived(i, object->payload().size());
      if (const auto* more = std::get_if<session::ObjectPayload>(&event)) arrived(i, more->bytes.size());
    };
  }
  dial(publisher);
  run();
  ASSERT_TRUE(before_ && after_);
  const AllocationCount made = *after_ - *before_;
  std::cout << made.news << " times operator new, " << made.mallocs << " times malloc for " << kMeasured
            << " objects to " << kSubscribers << " subscribers\n";
  // Queues may still grow to a depth they have not had, deeper on a machine that is busy; a slab per 54 objects on each
  // connection would be twice this.
  EXPECT_LE(made.news, kMeasured / 10);
  EXPECT_LE(made.mallocs, kMeasured / 10);
}

}  // namespace
}  // namespace msquic_py::runtime::testing

// What the engine itself costs per object, without a network: a publisher's bytes into the relay's session, through the
// relay's store, and out of the sessions of 1, 16 and 64 subscribers, cache and accounts on. Objects are counted once
// for each subscriber. The second argument is how many objects come in one piece: live they come alone, at full speed
// together. And what it costs to join a track and to leave it.
//
// Under valgrind --tool=callgrind --toggle-collect='*pump*' the number of instructions is the same in every run,
// however busy the machine is.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/session/session.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/subgroup.h"
#include "relay/relay.h"

namespace {

using namespace msquic_py;  // NOLINT(google-build-using-namespace)
namespace ms = moqt::session;

constexpr moqt::Draft kDraft = moqt::Draft::k15;
constexpr std::size_t kPayload = 1200;
constexpr std::uint64_t kObjectsPerGroup = 50;
constexpr std::size_t kInPieces = 8;  ///< objects of one piece, at most

void require(bool condition) {
  if (!condition) std::abort();
}

ms::SessionConfig config_of(moqt::Perspective perspective, std::shared_ptr<base::Account> account = nullptr) {
  ms::SessionConfig config;
  config.perspective = perspective;
  config.account = std::move(account);
  return config;
}

/// A client's session and the relay's session for it. Only what the two say to each other in messages is carried; what
/// the relay sends on streams is taken as a transport would that acknowledges in its next turn.
class Link final : public relay::Outlet {
 public:
  Link(relay::Relay& its, const base::Ledger& ledger)
      : client(kDraft, config_of(moqt::Perspective::kClient)),
        server(kDraft, config_of(moqt::Perspective::kServer, ledger.open_session())),
        relay_(its) {
    number_ = relay_.attach(server, *this);
    client.start(now_);
    server.start(now_);
  }
  ~Link() override { relay_.detach(number_, now_); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void make_ready() override { ready_ = true; }
  [[nodiscard]] bool ready() const noexcept { return ready_; }

  /// Carries messages both ways and gives the relay its turn; whether there was anything.
  bool talk() {
    bool any = false;
    ms::Action action;
    while (client.poll_action(now_, action)) {
      any = true;
      if (const auto* control = std::get_if<ms::SendControl>(&action)) server.on_control_data(now_, control->bytes);
    }
    any |= relay_.on_events(number_, now_);
    while (server.poll_action(now_, action)) {
      any = true;
      if (const auto* control = std::get_if<ms::SendControl>(&action)) client.on_control_data(now_, control->bytes);
    }
    return any;
  }
  /// A turn of the relay's session: what it wrote before is acknowledged, and what it has is written.
  void turn() {
    ready_ = false;
    for (const auto& [stream, bytes] : std::exchange(written_, {})) server.on_stream_bytes_sent(stream, bytes);
    (void)relay_.on_events(number_, now_);
    ms::Action action;
    while (server.poll_action(now_, action)) {
      const auto* send = std::get_if<ms::SendStream>(&action);
      if (send == nullptr) continue;
      benchmark::DoNotOptimize(send->slices.begin()->data());
      sent_ += send->slices.bytes();
      written_.emplace_back(send->stream, send->slices.bytes());
    }
  }
  [[nodiscard]] std::size_t sent() const noexcept { return sent_; }
  void tell_time(ms::Time now) noexcept { now_ = now; }

  ms::Session client;
  ms::Session server;

 private:
  relay::Relay& relay_;
  relay::Relay::PeerNumber number_ = 0;
  ms::Time now_{std::chrono::hours(1)};
  bool ready_ = false;
  std::vector<std::pair<ms::StreamHandle, std::size_t>> written_;
  std::size_t sent_ = 0;
};

class Fanout {
 public:
  explicit Fanout(std::size_t subscribers) : ledger_(std::make_shared<base::Ledger>()), relay_(limits(), ledger_) {
    links_.push_back(std::make_unique<Link>(relay_, *ledger_));
    settle();
    require(links_.front()->client.publish_namespace(track().track_namespace).ok());
    settle();
    for (std::size_t i = 0; i < subscribers; ++i) {
      links_.push_back(std::make_unique<Link>(relay_, *ledger_));
      settle();
      require(links_.back()->client.subscribe(track()).ok());
      settle();
      accept();
      settle();
    }
    require(accepted_);
    std::optional<std::uint64_t> previous;
    for (std::uint64_t id = 0; id < kObjectsPerGroup; ++id) {
      ends_.push_back(objects_.size());
      require(moqt::wire::encode_subgroup_object_header(kDraft, {id, {}, kPayload, moqt::ObjectStatus::kNormal}, false,
                                                        previous, objects_)
                  .ok());
      objects_.insert(objects_.end(), kPayload, std::uint8_t{0x5a});
      previous = id;
    }
    ends_.push_back(objects_.size());
  }

  /// One group, `at_once` objects at a time, through the relay to everybody.
  [[gnu::noinline]] void pump(std::size_t at_once) {
    moqt::wire::SubgroupHeader header;
    header.track_alias = alias_;
    header.group_id = group_++;
    header.publisher_priority = 128;
    scratch_.clear();
    require(moqt::wire::codec_for(kDraft).encode_subgroup_header(header, scratch_).ok());
    give(scratch_, false);
    for (std::size_t first = 0; first < kObjectsPerGroup; first += at_once) {
      const std::size_t end = std::min<std::size_t>(first + at_once, kObjectsPerGroup);
      give(base::Bytes(objects_).subspan(ends_[first], ends_[end] - ends_[first]), end == kObjectsPerGroup);
    }
    stream_ += 4;
    if (group_ % 16 == 0) relay_.on_deadline(now_);
  }
  /// One more client subscribes and leaves again, while the others only listen.
  void visit() {
    if (visitor_ == nullptr) visitor_ = std::make_unique<Link>(relay_, *ledger_);
    const auto settle = [this] {
      while (visitor_->talk()) continue;
    };
    settle();
    const auto request = visitor_->client.subscribe(track());
    require(request.ok());
    settle();
    require(visitor_->client.cancel(*request).ok());
    settle();
    ms::Event event;
    while (visitor_->client.poll_event(event)) continue;
  }
  [[nodiscard]] std::size_t sent() const {
    std::size_t sum = 0;
    for (const auto& link : links_) sum += link->sent();
    return sum;
  }

 private:
  static moqt::FullTrackName track() { return {moqt::TrackNamespace{"bench"}, "objects"}; }
  static relay::RelayLimits limits() {
    relay::RelayLimits limits;
    limits.memory.track = 8 * 1024 * 1024;  // so that the cache is full soon, and evicts
    return limits;
  }
  void settle() {
    for (bool any = true; any;) {
      any = false;
      for (const auto& link : links_) any |= link->talk();
    }
  }
  void accept() {
    ms::Session& publisher = links_.front()->client;
    ms::Event event;
    while (publisher.poll_event(event)) {
      const auto* asked = std::get_if<ms::SubscribeReceived>(&event);
      if (asked == nullptr) continue;
      require(publisher.accept(asked->request).ok());
      alias_ = publisher.published(asked->request)->track_alias;
      accepted_ = true;
    }
  }
  /// As it comes from the transport: in the relay's slabs.
  void give(base::Bytes bytes, bool fin) {
    now_ += std::chrono::milliseconds(2);
    for (const auto& link : links_) link->tell_time(now_);
    Link& publisher = *links_.front();
    publisher.server.on_uni_stream_data(now_, stream_, arena_.copy(bytes), fin);
    publisher.turn();
    for (const auto& link : links_) {
      if (link->ready()) link->turn();
    }
  }

  std::shared_ptr<base::Ledger> ledger_;
  relay::Relay relay_;
  std::vector<std::unique_ptr<Link>> links_;  // the publisher first
  std::unique_ptr<Link> visitor_;
  base::SlabArena arena_;
  base::ByteVector objects_;
  std::vector<std::size_t> ends_;
  base::ByteVector scratch_;
  ms::Time now_{std::chrono::hours(1)};
  bool accepted_ = false;
  std::uint64_t alias_ = 0;
  std::uint64_t group_ = 0;
  ms::IncomingStreamId stream_ = 2;
};

void objects_through_relay(benchmark::State& state) {
  const auto subscribers = static_cast<std::size_t>(state.range(0));
  const auto at_once = static_cast<std::size_t>(state.range(1));
  Fanout fanout(subscribers);
  // Until the cache is full and what is used again has been made.
  for (int group = 0; group < 400; ++group) fanout.pump(at_once);
  const std::size_t before = fanout.sent();
  std::int64_t groups = 0;
  for (auto _ : state) {
    fanout.pump(at_once);
    ++groups;
  }
  const auto objects = groups * static_cast<std::int64_t>(kObjectsPerGroup * subscribers);
  require(fanout.sent() - before >= static_cast<std::size_t>(objects) * kPayload);
  state.SetItemsProcessed(objects);
}
BENCHMARK(objects_through_relay)
    ->ArgNames({"subscribers", "at_once"})
    ->ArgsProduct({{1, 16, 64}, {1, static_cast<std::int64_t>(kInPieces)}});

/// To subscribe and to leave again has to cost the same however many have joined the track.
void joining_and_leaving(benchmark::State& state) {
  Fanout fanout(static_cast<std::size_t>(state.range(0)));
  fanout.pump(1);
  for (auto _ : state) fanout.visit();
}
BENCHMARK(joining_and_leaving)->ArgNames({"subscribers"})->Arg(10)->Arg(1000);

}  // namespace

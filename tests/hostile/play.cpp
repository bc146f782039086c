#include "hostile/play.h"

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "hostile/moves.h"
#include "hostile/peer.h"
#include "moqt/model/draft.h"
#include "relay/relay.h"

namespace msquic_py::hostile {

namespace {

using namespace std::chrono_literals;
namespace session = moqt::session;

/// More than any legal exchange of messages takes.
constexpr int kMostRounds = 20'000;

relay::RelayLimits limits_for(Moves& moves) {
  relay::RelayLimits limits;
  limits.max_queued_bytes_per_subscription = 4096;
  limits.max_tracks = 20;
  limits.max_namespaces = 12;
  limits.max_consecutive_skips = 3;
  limits.hold_publishers = moves.choose(4) == 0;
  limits.memory.track = 16 * 1024;
  limits.cache_duration = moves.flip() ? 2s : 0s;
  limits.rendezvous_timeout = moves.flip() ? 1s : 0s;
  limits.max_fetch_lead = 4096;
  return limits;
}

class Play {
 public:
  explicit Play(Moves& moves) : moves_(moves), limits_(limits_for(moves)), relay_(limits_, ledger_, nullptr, kId) {}

  std::string run() {
    while (!moves_.over()) {
      auto& peer = peers_.at(moves_.choose(peers_.size()));
      if (!peer) {
        const auto draft = moqt::kSupportedDrafts.at(moves_.choose(moqt::kSupportedDrafts.size()));
        peer = std::make_unique<Peer>(relay_, draft, now_, *ledger_);
      } else if (moves_.choose(12) == 0) {
        pass(moves_.flip() ? 10ms : moves_.flip() ? 700ms : 15s);
      } else {
        peer->move(moves_, now_);
      }
      if (!settle()) return "it does not come to rest";
    }
    return end();
  }

  [[nodiscard]] relay::RelayCounters counters() const { return relay_.counters(); }

 private:
  static constexpr relay::LoopGuard::Id kId{};  // the same in each play

  void pass(session::Duration time) {
    now_ += time;
    for (auto& peer : peers_) {
      if (peer) peer->tick(now_);
    }
    relay_.on_deadline(now_);
  }

  bool settle() {
    for (int round = 0; round < kMostRounds; ++round) {
      bool any = false;
      for (auto& peer : peers_) {
        if (!peer) continue;
        any = peer->pump(now_) || any;
        if (peer->gone()) peer.reset();
      }
      if (!any) return true;
    }
    return false;
  }

  std::string end() {
    for (auto& peer : peers_) {
      if (peer) peer->leave(now_);
    }
    if (!settle()) return "it does not come to rest when all have left";
    // Longer than anything waits for anybody, or is kept.
    for (int minute = 0; minute < 5; ++minute) {
      now_ += 1min;
      relay_.on_deadline(now_);
    }
    const relay::RelayCounters counters = relay_.counters();
    if (relay_.keeps_anything()) return "tracks are left";
    if (counters.sessions != 0) return "sessions are left";
    if (counters.published_namespaces != 0) return "namespaces are left";
    if (counters.upstream_subscriptions != 0) return "subscriptions of the relay are left";
    if (counters.downstream_subscriptions != 0) return "subscriptions of clients are left";
    if (counters.deliveries.published != counters.deliveries.accounted()) return "objects are not accounted for";
    if (ledger_->process().bytes() != 0) return std::to_string(ledger_->process().bytes()) + " bytes are in the ledger";
    return {};
  }

  Moves& moves_;
  session::Time now_{std::chrono::hours(1)};
  const relay::RelayLimits limits_;
  const std::shared_ptr<const base::Ledger> ledger_ = std::make_shared<const base::Ledger>(limits_.memory);
  relay::Relay relay_;
  std::array<std::unique_ptr<Peer>, 4> peers_;
};

}  // namespace

Played play(base::Bytes bytes) {
  Moves moves(bytes);
  Play play(moves);
  std::string problem = play.run();
  return {std::move(problem), play.counters()};
}

}  // namespace msquic_py::hostile

#include "hostile/play.h"

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "hostile/application.h"
#include "hostile/hop.h"
#include "hostile/host.h"
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

moqt::Draft any_draft(Moves& moves) { return moqt::kSupportedDrafts.at(moves.choose(moqt::kSupportedDrafts.size())); }

session::Duration any_time(Moves& moves) { return moves.flip() ? 10ms : moves.flip() ? 700ms : 15s; }

class Play {
 public:
  Play(Moves& moves, std::size_t relays) : moves_(moves), limits_(limits_for(moves)) {
    for (std::size_t number = 0; number < relays; ++number) {
      ledgers_.push_back(std::make_shared<const base::Ledger>(limits_.memory));
      relay::LoopGuard::Id id{};  // the same in each play
      id.front() = static_cast<std::uint8_t>(number);
      relays_.push_back(std::make_unique<relay::Relay>(limits_, ledgers_.back(), nullptr, id));
    }
    if (relays < 2) return;
    (void)relays_[0]->add_upstream();
    hop_.emplace(*relays_[0], *relays_[1]);
    hop_->dial(any_draft(moves));
  }

  std::string run() {
    while (!moves_.over()) {
      const std::size_t which = moves_.choose(peers_.size());
      Place& place = peers_.at(which);
      if (!place.peer) {
        const std::size_t at = which % relays_.size();
        const auto draft = any_draft(moves_);
        place.host.emplace(*relays_[at]);
        place.peer = std::make_unique<Peer>(*place.host, draft, moqt::Perspective::kServer, now_, *ledgers_[at]);
      } else if (moves_.choose(12) == 0) {
        pass(any_time(moves_));
      } else if (hop_ && moves_.choose(24) == 0) {
        move_hop();
      } else {
        place.peer->move(moves_, now_);
      }
      if (!settle()) return "it does not come to rest";
    }
    return end();
  }

  [[nodiscard]] relay::RelayCounters counters() const {
    relay::RelayCounters sum;
    for (const auto& relay : relays_) sum += relay->counters();
    return sum;
  }

 private:
  struct Place {
    std::optional<RelayHost> host;
    std::unique_ptr<Peer> peer;
  };

  void move_hop() {
    if (!hop_->open()) return hop_->dial(any_draft(moves_));
    switch (moves_.choose(5)) {
      case 0: return hop_->cut();
      case 1: return hop_->read(0);
      case 2: return hop_->read(moves_.choose(200));
      default: return hop_->read(simulation::SessionEnd::kEverything);
    }
  }

  void pass(session::Duration time) {
    now_ += time;
    for (Place& place : peers_) {
      if (place.peer) place.peer->tick(now_);
    }
    if (hop_) hop_->tick(now_);
    for (const auto& relay : relays_) relay->on_deadline(now_);
  }

  bool settle() {
    for (int round = 0; round < kMostRounds; ++round) {
      bool any = false;
      for (Place& place : peers_) {
        if (!place.peer) continue;
        any = place.peer->pump(now_) || any;
        if (place.peer->gone()) place.peer.reset();
      }
      if (hop_) any = hop_->pump(now_) || any;
      if (!any) return true;
    }
    return false;
  }

  /// Longer than anything waits for anybody, or is kept.
  bool wait() {
    for (int minute = 0; minute < 5; ++minute) {
      pass(1min);
      if (!settle()) return false;
    }
    return true;
  }

  std::string end() {
    for (Place& place : peers_) {
      if (place.peer) place.peer->leave(now_);
    }
    if (hop_) hop_->read(simulation::SessionEnd::kEverything);
    if (!settle() || !wait()) return "it does not come to rest when all have left";
    if (hop_) {
      hop_->close();
      if (!wait()) return "it does not come to rest when the relays have parted";
    }
    const relay::RelayCounters counters = this->counters();
    for (const auto& relay : relays_) {
      if (relay->keeps_anything()) return "tracks are left";
    }
    if (counters.sessions != 0) return "sessions are left";
    if (counters.published_namespaces != 0) return "namespaces are left";
    if (counters.upstream_subscriptions != 0) return "subscriptions of the relay are left";
    if (counters.downstream_subscriptions != 0) return "subscriptions of clients are left";
    if (counters.deliveries.published != counters.deliveries.accounted()) return "objects are not accounted for";
    for (const auto& ledger : ledgers_) {
      if (ledger->process().bytes() != 0) return std::to_string(ledger->process().bytes()) + " bytes are in the ledger";
    }
    return {};
  }

  Moves& moves_;
  session::Time now_{std::chrono::hours(1)};
  const relay::RelayLimits limits_;
  std::vector<std::shared_ptr<const base::Ledger>> ledgers_;
  std::vector<std::unique_ptr<relay::Relay>> relays_;  ///< the second one is the first one's upstream
  std::optional<Hop> hop_;
  std::array<Place, 4> peers_;
};

Played play_relays(base::Bytes bytes, std::size_t relays) {
  Moves moves(bytes);
  Play play(moves, relays);
  std::string problem = play.run();
  return {std::move(problem), play.counters()};
}

/// An application and who is at the other end of its session.
struct Seat {
  std::unique_ptr<Application> application;
  std::unique_ptr<Peer> peer;  // it goes first: it has the session
};

std::string run_applications(Moves& moves, const base::Ledger& ledger) {
  session::Time now{std::chrono::hours(1)};
  std::array<Seat, 3> seats;
  SharedWriters shared;
  const auto settle = [&] {
    for (int round = 0; round < kMostRounds; ++round) {
      bool any = false;
      for (Seat& seat : seats) any = (seat.peer && seat.peer->pump(now)) || any;
      if (!any) return true;
    }
    return false;
  };
  const auto clear = [](Seat& seat) {
    const std::string left = seat.application->what_is_left();
    seat.peer.reset();
    seat.application.reset();
    return left;
  };
  while (!moves.over()) {
    Seat& seat = seats.at(moves.choose(seats.size()));
    if (!seat.peer) {
      const auto draft = any_draft(moves);
      const auto perspective = moves.flip() ? moqt::Perspective::kServer : moqt::Perspective::kClient;
      seat.application = std::make_unique<Application>(shared);
      seat.peer = std::make_unique<Peer>(*seat.application, draft, perspective, now, ledger);
    } else if (moves.choose(16) == 0) {
      now += any_time(moves);
      for (Seat& each : seats) {
        if (each.peer) each.peer->tick(now);
      }
    } else if (moves.flip()) {
      seat.application->move(moves);
    } else {
      seat.peer->move(moves, now);
    }
    if (!settle()) return "it does not come to rest";
    for (Seat& each : seats) {
      if (!each.peer || !each.peer->gone()) continue;
      if (const std::string left = clear(each); !left.empty()) return left;
    }
  }
  for (Seat& seat : seats) {
    if (seat.peer) seat.peer->leave(now);
  }
  if (!settle()) return "it does not come to rest when all have left";
  for (Seat& seat : seats) {
    if (!seat.peer) continue;
    if (const std::string left = clear(seat); !left.empty()) return left;
  }
  return {};
}

}  // namespace

Played play(base::Bytes bytes) { return play_relays(bytes, 1); }

Played play_chain(base::Bytes bytes) { return play_relays(bytes, 2); }

Played play_applications(base::Bytes bytes) {
  Moves moves(bytes);
  const base::Ledger ledger;
  Played played;
  played.problem = run_applications(moves, ledger);
  if (played.problem.empty() && ledger.process().bytes() != 0) {
    played.problem = std::to_string(ledger.process().bytes()) + " bytes are in the ledger";
  }
  return played;
}

}  // namespace msquic_py::hostile

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/relay.h"
#include "simulation/journal.h"
#include "simulation/publisher.h"
#include "simulation/script.h"
#include "simulation/session_end.h"
#include "simulation/subscriber.h"
#include "transport/memory/network.h"

namespace msquic_py::simulation {

/// What a run came to.
struct Outcome {
  std::vector<std::string> faults;  ///< none: it went as it must
  std::uint64_t published = 0;      ///< objects
  std::uint64_t received = 0;       ///< over all subscriptions
  std::uint64_t excused = 0;        ///< expected and not received, for a reason that somebody was told
  std::uint64_t skips = 0;          ///< by the relay, for slow subscribers
  std::uint64_t events = 0;         ///< things that happened on the network
};

/// A relay, or several in a row, and clients on a network in memory, in virtual time. A run depends on nothing but its
/// script.
class World {
 public:
  explicit World(const Script& script);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// The relay's carriers lose this send, counted over all of them, without telling anybody: a fault that the checks
  /// have to find. Before run().
  void lose_send(std::uint64_t which) { lost_send_ = which; }
  Outcome run();

 private:
  /// A client of the relay: its end of the latest session, and the relay's.
  struct Client {
    std::shared_ptr<SessionEnd> near;
    std::shared_ptr<SessionEnd> far;
    relay::Relay::PeerNumber peer = 0;
    std::shared_ptr<transport::memory::Link> link;
  };

  /// The session of relay N + 1 with relay N, its upstream.
  struct Hop {
    std::shared_ptr<SessionEnd> near;  ///< of the lower one
    std::shared_ptr<SessionEnd> far;
    relay::Relay::PeerNumber lower = 0;
    relay::Relay::PeerNumber upper = 0;
    std::shared_ptr<transport::memory::Link> link;
  };

  [[nodiscard]] ms::SessionConfig config_of(moqt::Perspective perspective) const;
  /// Where the client is connected.
  [[nodiscard]] relay::Relay& relay_of(std::size_t client) {
    return client < script_.publishers ? *relays_.front() : *relays_.back();
  }
  void connect(std::size_t client);
  void perform(const Step& step);
  void publish(const Step& step);
  void end_subgroup(std::size_t track, SubgroupName name, bool finished);
  void run_until(ms::Time limit);
  /// Everything that can happen without time passing.
  void settle();
  bool settle_near(std::size_t client);
  bool settle_far(std::size_t client);
  [[nodiscard]] std::optional<ms::Time> next_deadline() const;
  void pass_deadlines();

  [[nodiscard]] bool at_rest() const;

  // chain.cpp
  void start_relay(std::size_t number);
  void link_hop(std::size_t number);
  /// Those without a session. Whether there was any.
  bool link_hops();
  bool settle_end(std::shared_ptr<SessionEnd>& end, relay::Relay& relay, relay::Relay::PeerNumber peer);
  bool settle_hop(std::size_t number);
  void cut_hop(std::size_t number);
  void restart_relay(std::size_t number);
  [[nodiscard]] static std::uint64_t skips_of(const relay::Relay& relay);
  void end_hops();

  // checks.cpp
  void check_rest();
  void check_deliveries();
  void check_ends();
  void check_accounts();
  void check_account(const relay::Relay& relay);

  /// Who is at a client's end of its session; and, without a relay, who is at the other end.
  [[nodiscard]] Publisher* publisher(std::size_t client) {
    return client < script_.publishers ? &publishers_[client] : nullptr;
  }
  [[nodiscard]] Subscriber* subscriber(std::size_t client) {
    return client < script_.publishers ? nullptr : &subscribers_[client - script_.publishers];
  }

  const Script& script_;
  transport::memory::Network network_;
  Journal journal_;
  std::vector<std::unique_ptr<relay::Relay>> relays_;  ///< each the upstream of the next one
  std::vector<Hop> hops_;
  bool links_hops_ = true;
  bool hops_disturbed_ = false;     ///< one was cut, or a relay restarted
  std::uint64_t skips_before_ = 0;  ///< of relays that are gone
  std::deque<Publisher> publishers_;
  std::deque<Subscriber> subscribers_;
  std::vector<Client> clients_;
  std::uint64_t lost_send_ = 0;
  std::uint64_t sends_ = 0;
  Outcome outcome_;
};

}  // namespace msquic_py::simulation

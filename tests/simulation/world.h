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
  std::uint64_t skips = 0;          ///< by relays, for slow subscribers
  std::uint64_t refusals = 0;       ///< by relays: for want of memory, and of what had been missed
  std::uint64_t events = 0;         ///< things that happened on the network
};

/// A relay, or several behind each other, and clients on a network in memory, in virtual time. A run depends on nothing
/// but its script.
class World {
 public:
  explicit World(const Script& script);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// The relay's carriers lose this send, counted over all of them, without telling anybody: a fault that the checks
  /// have to find. Before run().
  void lose_send(std::uint64_t which) { lost_send_ = which; }
  /// The same of a send from a relay to one below it.
  void lose_hop_send(std::uint64_t which) { lost_hop_send_ = which; }
  Outcome run();

 private:
  /// A client of the relay: its end of the latest session, and the relay's.
  struct Client {
    std::shared_ptr<SessionEnd> near;
    std::shared_ptr<SessionEnd> far;
    relay::Relay::PeerNumber peer = 0;
    std::shared_ptr<transport::memory::Link> link;
    bool paused = false;  ///< it has read nothing for a while
  };

  /// The session of relay N + 1 with its upstream.
  struct Hop {
    std::shared_ptr<SessionEnd> near;  ///< of the lower one
    std::shared_ptr<SessionEnd> far;
    relay::Relay::PeerNumber lower = 0;
    relay::Relay::PeerNumber upper = 0;
    std::shared_ptr<transport::memory::Link> link;
  };

  [[nodiscard]] ms::SessionConfig config_of(moqt::Perspective perspective) const;
  /// Where the client is connected.
  [[nodiscard]] relay::Relay& relay_of(std::size_t client) { return *relays_[script_.homes[client]]; }
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
  /// Every end of a session that there is, and the relay it belongs to; nothing for one of a client.
  template <class Visit>
  void for_each_end(Visit visit) const {
    for (std::size_t number = 0; number < clients_.size(); ++number) {
      const Client& client = clients_[number];
      const auto home = script_.direct ? std::nullopt : std::optional(script_.homes[number]);
      if (client.near) visit(*client.near, std::optional<std::size_t>());
      if (client.far) visit(*client.far, home);
    }
    for (std::size_t number = 0; number < hops_.size(); ++number) {
      const Hop& hop = hops_[number];
      if (hop.near) visit(*hop.near, std::optional(number + 1));
      if (hop.far) visit(*hop.far, std::optional(script_.hops[number].upper));
    }
  }

  // relays.cpp
  void start_relay(std::size_t number);
  void link_hop(std::size_t number);
  /// Those without a session. Whether there was any.
  bool link_hops();
  bool settle_end(std::shared_ptr<SessionEnd>& end, std::size_t relay, relay::Relay::PeerNumber peer);
  bool settle_hop(std::size_t number);
  void cut_hop(std::size_t number);
  void restart_relay(std::size_t number);
  void stall(std::size_t number, Duration duration);
  [[nodiscard]] bool stalls(std::size_t number) const { return network_.now() < awake_[number]; }
  /// What a relay did that is a reason for objects to be missing.
  void note_losses_of(const relay::Relay& relay);
  void end_hops();

  /// Whether what waits for the client may wait for long.
  [[nodiscard]] bool is_slow(std::size_t client) const {
    const transport::memory::LinkOptions& link = script_.links[client];
    const transport::memory::Admission usual;
    return clients_[client].paused || link.to_client.bytes_per_second != 0 ||
           link.client.stream_window < usual.stream_window ||
           link.client.unidirectional_streams < usual.unidirectional_streams;
  }

  // checks.cpp
  void check_rest();
  void check_deliveries();
  /// That a subscription ended has a reason.
  void check_end(const ReceivedTrack& subscription, std::size_t who);
  /// No relay has anything to complain of in its sessions.
  void check_close(const SessionEnd& end, const std::string& whose);
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
  std::vector<std::unique_ptr<relay::Relay>> relays_;
  std::vector<ms::Time> awake_;  ///< until then a relay does nothing
  std::vector<Hop> hops_;
  bool links_hops_ = true;
  bool hops_disturbed_ = false;  ///< one was cut, or a relay restarted
  std::deque<Publisher> publishers_;
  std::deque<Subscriber> subscribers_;
  std::vector<Client> clients_;
  std::uint64_t lost_send_ = 0;
  std::uint64_t lost_hop_send_ = 0;
  std::uint64_t sends_ = 0;
  std::uint64_t hop_sends_ = 0;
  Outcome outcome_;
};

}  // namespace msquic_py::simulation

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/relay_network.h"
#include "relay/relay.h"

namespace msquic_py::testing {

/// The session between a relay and its upstream.
class RelayLink final {
 public:
  struct End final : relay::Outlet {
    void make_ready() override { ++made_ready; }
    int made_ready = 0;
    std::size_t node = 0;
    relay::Relay::PeerNumber number = 0;
  };
  RelayLink(std::uint32_t seed, moqt::Draft draft) : pair(seed, {}, {}, /*collect_events=*/false, draft) {
    pair.client.reset_loses = pair.server.reset_loses = false;
  }

  SessionPair pair;
  End lower;  ///< the client
  End upper;
  std::size_t upstream = 0;  ///< its number at the lower relay
  bool up = false;
};

/// Relays, each other's upstreams as the test has it, with clients, on one virtual clock.
class RelayTree {
 public:
  RelayTree() = default;
  RelayTree(const RelayTree&) = delete;
  RelayTree& operator=(const RelayTree&) = delete;
  ~RelayTree() {
    for (auto& node : nodes_) stop(node);
  }

  ms::Time now{std::chrono::hours(1)};
  moqt::Draft draft = moqt::Draft::k15;  ///< between relays; clients speak draft-15

  /// A relay that asks upstreams for these prefixes, in this order. Its number.
  std::size_t add(relay::RelayLimits limits = {}, std::vector<moqt::TrackNamespace> prefixes = {}) {
    nodes_.push_back({limits, std::move(prefixes), nullptr, {}});
    start(nodes_.back());
    return nodes_.size() - 1;
  }
  relay::Relay& at(std::size_t node) { return *nodes_.at(node).relay; }

  RelayClient& connect(std::size_t node) {
    auto made = std::make_unique<RelayClient>(ms::SessionConfig{}, ms::SessionConfig{}, ++seed_, moqt::Draft::k15);
    RelayClient& client = *made;
    nodes_.at(node).clients.push_back(std::move(made));
    client.pair.now = now;
    client.pair.client.reset_loses = client.pair.server.reset_loses = false;
    client.number = at(node).attach(client.pair.server.session, client);
    client.attached = true;
    client.pair.establish();
    run();
    client.pair.clear_events();
    return client;
  }
  void lose(std::size_t node, RelayClient& client) {
    client.pair.server.session.on_transport_closed(now, 0, "the connection was lost", /*by_peer=*/false);
    (void)at(node).on_events(client.number, now);
    at(node).detach(client.number, now);
    client.attached = false;
    run();
  }

  /// A session of the lower relay with its upstream of that number.
  RelayLink& link(std::size_t lower, std::size_t upper, std::size_t upstream = 0, bool runs = true) {
    links_.push_back(std::make_unique<RelayLink>(++seed_, draft));
    RelayLink& made = *links_.back();
    made.lower.node = lower;
    made.upper.node = upper;
    made.upstream = upstream;
    made.pair.now = now;
    made.upper.number = at(upper).attach(made.pair.server.session, made.upper);
    made.lower.number = at(lower).attach_upstream(upstream, made.pair.client.session, made.lower);
    made.up = true;
    made.pair.client.session.start(now);
    made.pair.server.session.start(now);
    if (runs) run();
    return made;
  }
  /// Both ends notice that the connection is gone.
  void cut(RelayLink& link) {
    if (!std::exchange(link.up, false)) return;
    link.pair.client.session.on_transport_closed(now, 0, "lost", /*by_peer=*/false);
    link.pair.server.session.on_transport_closed(now, 0, "lost", /*by_peer=*/false);
    for (const RelayLink::End* end : {&link.lower, &link.upper}) {
      (void)at(end->node).on_events(end->number, now);
      at(end->node).detach(end->number, now);
    }
    run();
  }
  /// The relay's process dies and is started again: it knows nothing any more, and its sessions are gone.
  void restart(std::size_t node) {
    for (auto& link : links_) {
      if (link->lower.node == node || link->upper.node == node) cut(*link);
    }
    stop(nodes_.at(node));
    start(nodes_.at(node));
    run();
  }

  /// Moves everything that can move without time passing.
  void run() {
    for (int round = 0; round < 10'000; ++round) {
      const int before = made_ready();
      bool any = false;
      for_each_pair([&](SessionPair& pair) {
        pair.now = now;
        any |= pair.run();
      });
      for (auto& node : nodes_) {
        for (auto& client : node.clients) {
          if (client->attached) any |= node.relay->on_events(client->number, now);
        }
      }
      for (auto& link : links_) {
        for (const RelayLink::End* end : {&link->lower, &link->upper}) {
          if (link->up) any |= at(end->node).on_events(end->number, now);
        }
      }
      if (!any && made_ready() == before) return;
    }
    FAIL() << "the relays do not come to rest";
  }

  /// Lets time pass, stopping at every deadline on the way.
  void advance(ms::Duration duration) {
    const ms::Time end = now + duration;
    run();
    for (int step = 0; step < 100'000; ++step) {
      std::optional<ms::Time> next;
      const auto sooner = [&](std::optional<ms::Time> due) {
        if (due && (!next || *due < *next)) next = due;
      };
      for_each_pair([&](SessionPair& pair) {
        sooner(pair.client.session.next_deadline());
        sooner(pair.server.session.next_deadline());
      });
      for (auto& node : nodes_) sooner(node.relay->next_deadline());
      if (!next || *next > end) break;
      now = std::max(now, *next);
      for_each_pair([&](SessionPair& pair) {
        pair.client.session.on_deadline(now);
        pair.server.session.on_deadline(now);
      });
      for (auto& node : nodes_) node.relay->on_deadline(now);
      run();
    }
    now = end;
    run();
  }

 private:
  struct Node {
    relay::RelayLimits limits;
    std::vector<moqt::TrackNamespace> prefixes;
    std::unique_ptr<relay::Relay> relay;
    std::vector<std::unique_ptr<RelayClient>> clients;
  };

  static void start(Node& node) {
    node.relay = std::make_unique<relay::Relay>(node.limits);
    for (const auto& prefix : node.prefixes) (void)node.relay->add_upstream(prefix);
  }
  void stop(Node& node) {
    for (auto& client : node.clients) {
      if (!std::exchange(client->attached, false)) continue;
      client->pair.server.session.on_transport_closed(now, 0, "lost", /*by_peer=*/false);
      (void)node.relay->on_events(client->number, now);
      node.relay->detach(client->number, now);
    }
    for (auto& link : links_) {
      if (link->up && (&nodes_[link->lower.node] == &node || &nodes_[link->upper.node] == &node)) {
        link->up = false;
        at(link->lower.node).detach(link->lower.number, now);
        at(link->upper.node).detach(link->upper.number, now);
      }
    }
  }
  [[nodiscard]] int made_ready() const {
    int sum = 0;
    for (const auto& node : nodes_) {
      for (const auto& client : node.clients) sum += client->made_ready;
    }
    for (const auto& link : links_) sum += link->lower.made_ready + link->upper.made_ready;
    return sum;
  }
  template <class Use>
  void for_each_pair(Use use) {
    for (auto& node : nodes_) {
      for (auto& client : node.clients) {
        if (client->attached) use(client->pair);
      }
    }
    for (auto& link : links_) {
      if (link->up) use(link->pair);
    }
  }

  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<RelayLink>> links_;
  std::uint32_t seed_ = 0;
};

using TreePublisher = PublisherOn<RelayTree>;

}  // namespace msquic_py::testing

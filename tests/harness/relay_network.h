#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/raw_peer.h"
#include "harness/session_pair.h"
#include "relay/relay.h"

namespace msquic_py::testing {

/// A client of the relay: its session, joined in memory with the relay's session for it.
class RelayClient final : public relay::Outlet {
 public:
  RelayClient(ms::SessionConfig client, ms::SessionConfig server, std::uint32_t seed, moqt::Draft draft)
      : pair(seed, std::move(client), std::move(server), /*collect_events=*/true, draft) {
    pair.server.collect_events = false;  // the relay takes them
  }
  void make_ready() override { ++made_ready; }

  [[nodiscard]] ms::Session& session() noexcept { return pair.client.session; }
  template <class T>
  [[nodiscard]] std::vector<T> all() const {
    return pair.client.all<T>();
  }
  template <class T>
  [[nodiscard]] T only() const {
    return pair.client.only<T>();
  }
  template <class T>
  [[nodiscard]] std::size_t count() const {
    return pair.client.count<T>();
  }

  SessionPair pair;
  relay::Relay::PeerNumber number = 0;
  bool attached = false;
  int made_ready = 0;
};

/// A relay with any number of clients on one virtual clock.
class RelayNetwork {
 public:
  /// With a `policy`, which lives as long, the relay asks it about everything.
  explicit RelayNetwork(relay::RelayLimits limits = {}, relay::AdmissionPolicy* policy = nullptr)
      : relay(limits, nullptr, policy), asks_(policy != nullptr) {}

  ~RelayNetwork() {
    for (auto& client : clients_) {
      if (client->attached) relay.detach(client->number, now);
    }
  }
  RelayNetwork(const RelayNetwork&) = delete;
  RelayNetwork& operator=(const RelayNetwork&) = delete;

  relay::Relay relay;
  moqt::Draft draft = moqt::Draft::k15;  ///< what clients speak unless told otherwise
  ms::Time now{std::chrono::hours(1)};

  /// A client past SETUP. The reference stays good.
  RelayClient& connect(ms::SessionConfig client_config = {}, ms::SessionConfig server_config = {}) {
    return connect_as(draft, std::move(client_config), std::move(server_config));
  }
  /// The same of one that speaks that draft.
  RelayClient& connect_as(moqt::Draft spoken, ms::SessionConfig client_config = {},
                          ms::SessionConfig server_config = {}) {
    server_config.asks_authorization = asks_;
    clients_.push_back(std::make_unique<RelayClient>(std::move(client_config), std::move(server_config),
                                                     static_cast<std::uint32_t>(clients_.size() + 1), spoken));
    RelayClient& client = *clients_.back();
    client.pair.now = now;
    client.number = relay.attach(client.pair.server.session, client);
    client.attached = true;
    if (asks_) {
      client.pair.client.session.start(now);
      client.pair.server.session.start(now);
      run();  // the policy may admit it or not, now or later
      return client;
    }
    client.pair.establish();
    run();
    client.pair.clear_events();
    return client;
  }

  /// The client's connection is gone without a word, as the relay's transport tells it.
  void lose(RelayClient& client) {
    client.pair.server.session.on_transport_closed(now, 0, "the connection was lost", /*by_peer=*/false);
    (void)relay.on_events(client.number, now);
    relay.detach(client.number, now);
    client.attached = false;
    run();
  }

  /// Moves everything that can move without time passing.
  void run() {
    for (int round = 0; round < 10'000; ++round) {
      bool any = false;
      const auto made_ready = [&] {
        int sum = 0;
        for (const auto& client : clients_) sum += client->made_ready;
        return sum;
      };
      const int before = made_ready();
      for (auto& client : clients_) {
        client->pair.now = now;
        if (client->attached) any |= client->pair.run();
      }
      for (auto& client : clients_) {
        if (client->attached) any |= relay.on_events(client->number, now);
      }
      if (!any && made_ready() == before) return;
    }
    FAIL() << "the relay does not come to rest";
  }

  /// Lets time pass, stopping at every deadline on the way.
  void advance(ms::Duration duration) {
    const ms::Time end = now + duration;
    run();
    for (int step = 0; step < 10'000; ++step) {
      std::optional<ms::Time> next;
      for_each_session([&](ms::Session& session) {
        if (const auto deadline = session.next_deadline(); deadline && (!next || *deadline < *next)) next = deadline;
      });
      if (const auto deadline = relay.next_deadline(); deadline && (!next || *deadline < *next)) next = deadline;
      if (!next || *next > end) break;
      now = std::max(now, *next);
      for_each_session([&](ms::Session& session) { session.on_deadline(now); });
      relay.on_deadline(now);
      run();
    }
    now = end;
    run();
  }

 private:
  template <class Use>
  void for_each_session(Use use) {
    for (auto& client : clients_) {
      if (!client->attached) continue;
      use(client->pair.client.session);
      use(client->pair.server.session);
    }
  }

  const bool asks_;
  std::vector<std::unique_ptr<RelayClient>> clients_;
};

inline moqt::FullTrackName track_name(std::string_view name = "video") {
  return {moqt::TrackNamespace{"live", "demo"}, name};
}

inline moqt::MessageParameters from_largest() {
  moqt::MessageParameters parameters;
  parameters.set_filter(moqt::SubscriptionFilter::largest_object());
  return parameters;
}

/// An object's bytes from its Object ID Delta on, as [d15 §10.4.2] writes them: delta 0, length, payload (shorter
/// than 64 bytes each, so that every integer is one byte).
inline base::SharedBytes object_bytes(std::string_view payload) {
  base::ByteVector bytes{0, static_cast<std::uint8_t>(payload.size())};
  if (payload.empty()) bytes.push_back(0);  // Object Status: Normal
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return base::SharedBytes::copy_of(bytes);
}

/// Publishes subgroup 0 of groups to one subscription, by hand. `Network` is what has to run for something to happen.
template <class Network>
class PublisherOn {
 public:
  PublisherOn(Network& network, RelayClient& client) : network_(network), client_(client) {}

  /// PUBLISH_NAMESPACE, accepted by the relay.
  ms::RequestHandle announce(moqt::TrackNamespace name = {"live", "demo"}) {
    const auto request = client_.session().publish_namespace(std::move(name));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  /// Answers the relay's SUBSCRIBE that has arrived.
  ms::RequestHandle accept(moqt::MessageParameters parameters = {}) {
    const auto received = client_.all<ms::SubscribeReceived>();
    EXPECT_FALSE(received.empty()) << "the relay has not subscribed";
    if (received.empty()) return {};
    subscription = received.back().request;
    EXPECT_TRUE(client_.session().accept(subscription, std::move(parameters)).ok());
    network_.run();
    return subscription;
  }
  /// Announces, and from then on answers as soon as the relay subscribes.
  ms::StreamHandle open(std::uint64_t group, std::uint64_t subgroup = 0) {
    ms::SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = subgroup;
    properties.end_of_group = ends_groups;
    const auto stream = client_.session().open_subgroup(subscription, properties);
    EXPECT_TRUE(stream.ok());
    network_.run();
    return stream.ok() ? *stream : ms::StreamHandle{};
  }
  void object(ms::StreamHandle stream, std::uint64_t id, std::string_view payload) {
    EXPECT_TRUE(client_.session().append_object(stream, id, object_bytes(payload), 1).ok());
    network_.run();
  }
  void finish(ms::StreamHandle stream) {
    EXPECT_TRUE(client_.session().finish_stream(stream).ok());
    network_.run();
  }
  /// A whole group of one subgroup.
  void group(std::uint64_t group, const std::vector<std::string>& payloads) {
    const auto stream = open(group);
    for (std::size_t i = 0; i < payloads.size(); ++i) object(stream, i, payloads[i]);
    finish(stream);
  }

  ms::RequestHandle subscription;
  bool ends_groups = false;  ///< a FIN says that the group ends with the last object

 private:
  Network& network_;
  RelayClient& client_;
};
using TestPublisher = PublisherOn<RelayNetwork>;

/// What a subscriber received: "group/object payload" for each whole object, in the order in which their streams
/// brought them; "group/object ..." for one that is not whole.
inline std::vector<std::string> objects(const RelayClient& client) {
  std::vector<std::string> result;
  std::map<ms::IncomingStreamId, std::size_t> latest;
  const auto text = [](const base::SharedBytes& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (const auto& event : client.pair.client.events) {
    if (const auto* object = std::get_if<ms::ObjectReceived>(&event)) {
      latest[object->stream] = result.size();
      result.push_back(std::to_string(object->location.group) + "/" + std::to_string(object->location.object) + " " +
                       text(object->payload()) + (object->complete() ? "" : "..."));
    } else if (const auto* more = std::get_if<ms::ObjectPayload>(&event)) {
      const auto of = latest.find(more->stream);
      if (of == latest.end()) continue;  // of a fetch
      std::string& line = result[of->second];
      line.resize(line.size() - 3);
      line += text(more->bytes) + (more->remaining == 0 ? "" : "...");
    } else if (const auto* datagram = std::get_if<ms::DatagramReceived>(&event)) {
      result.push_back(std::to_string(datagram->location.group) + "/" + std::to_string(datagram->location.object) +
                       " " + text(datagram->payload()));
    }
  }
  return result;
}

}  // namespace msquic_py::testing

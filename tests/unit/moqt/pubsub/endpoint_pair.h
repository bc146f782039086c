#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/session_pair.h"
#include "moqt/pubsub/endpoint.h"

namespace msquic_py::testing {

/// A publisher (the server) and a subscriber (the client) over two sessions joined in memory, in virtual time.
class EndpointPair {
 public:
  explicit EndpointPair(moqt::pubsub::EndpointConfig client_config = {},
                        moqt::pubsub::EndpointConfig server_config = {}, std::uint32_t seed = 1)
      : sessions(seed, {}, {}, /*collect_events=*/false),
        client(sessions.client.session, std::move(client_config)),
        server(sessions.server.session, std::move(server_config)) {
    sessions.establish();
    run();
  }

  void run() {
    for (int i = 0; i < 10'000; ++i) {
      bool any = sessions.run();
      any |= drain(client, client_events);
      any |= drain(server, server_events);
      if (!any) return;
    }
    FAIL() << "the endpoints do not come to rest";
  }

  /// The newest event of that kind; the test fails when there is none.
  template <class T>
  static T last(const std::vector<moqt::pubsub::EndpointEvent>& events) {
    for (auto each = events.rbegin(); each != events.rend(); ++each) {
      if (const auto* found = std::get_if<T>(&*each)) return *found;
    }
    ADD_FAILURE() << "no event of the kind asked for";
    return {};
  }
  template <class T>
  static std::size_t count(const std::vector<moqt::pubsub::EndpointEvent>& events) {
    std::size_t found = 0;
    for (const auto& event : events) found += std::holds_alternative<T>(event) ? 1 : 0;
    return found;
  }

  SessionPair sessions;
  moqt::pubsub::Endpoint client;
  moqt::pubsub::Endpoint server;
  std::vector<moqt::pubsub::EndpointEvent> client_events;
  std::vector<moqt::pubsub::EndpointEvent> server_events;

 private:
  bool drain(moqt::pubsub::Endpoint& endpoint, std::vector<moqt::pubsub::EndpointEvent>& events) {
    endpoint.drain_session(sessions.now);
    moqt::pubsub::EndpointEvent event;
    bool any = false;
    while (endpoint.poll_event(event)) {
      events.push_back(std::move(event));
      any = true;
    }
    return any;
  }
};

inline base::SharedBytes shared(std::string_view text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }

inline std::string text_of(const moqt::pubsub::ReceivedObject& object) {
  std::string payload(object.payload_size, '\0');
  object.copy_payload(reinterpret_cast<std::uint8_t*>(payload.data()));
  return payload;
}

/// What a reader has, as "group.object=payload" each.
template <class Reader>
std::vector<std::string> read_all(Reader& reader) {
  std::vector<std::string> found;
  moqt::pubsub::ReceivedObject object;
  while (reader.read(object)) {
    if (object.implied) continue;
    found.push_back(std::to_string(object.location.group) + "." + std::to_string(object.location.object) + "=" +
                    text_of(object));
  }
  return found;
}

}  // namespace msquic_py::testing

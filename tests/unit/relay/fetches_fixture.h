#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/relay_network.h"

namespace msquic_py::relay::fetch_tests {

using namespace testing;  // NOLINT(google-build-using-namespace): the harness
using Lines = std::vector<std::string>;

inline std::string text(const base::SharedBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What fetches brought: "group/object payload", in the order in which it came.
inline Lines fetched(const RelayClient& client) {
  Lines lines;
  for (const auto& event : client.pair.client.events) {
    if (const auto* object = std::get_if<ms::FetchObjectReceived>(&event)) {
      lines.push_back(std::to_string(object->location.group) + "/" + std::to_string(object->location.object) + " " +
                      text(object->payload));
    } else if (const auto* more = std::get_if<ms::ObjectPayload>(&event)) {
      if (!lines.empty()) lines.back() += text(more->bytes);
    }
  }
  return lines;
}

class FetchesTest : public ::testing::Test {
 protected:
  void SetUp() override { publisher_.announce(); }

  void subscribe(RelayClient& client) {
    ASSERT_TRUE(client.session().subscribe(track_name()).ok());
    network_.run();
  }
  ms::RequestHandle fetch(RelayClient& client, moqt::Location start, moqt::Location end,
                          moqt::GroupOrder order = moqt::GroupOrder::kAscending) {
    moqt::MessageParameters parameters;
    if (order == moqt::GroupOrder::kDescending) parameters.set_group_order(order);
    const auto request = client.session().fetch(track_name(), start, end, std::move(parameters));
    EXPECT_TRUE(request.ok());
    network_.run();
    return *request;
  }
  /// A whole group whose end is said: the last object before the FIN is the last one of the group.
  void whole_group(std::uint64_t group, const Lines& payloads) {
    ms::SubgroupProperties properties;
    properties.group = group;
    properties.subgroup = 0;
    properties.end_of_group = true;
    const auto stream = publisher_client_.session().open_subgroup(publisher_.subscription, properties);
    ASSERT_TRUE(stream.ok());
    for (std::size_t i = 0; i < payloads.size(); ++i) publisher_.object(*stream, i, payloads[i]);
    publisher_.finish(*stream);
  }
  /// Answers the FETCH that the relay has sent, with these objects of subgroup 0.
  void answer(moqt::Location end, const std::vector<std::pair<moqt::Location, std::string>>& objects) {
    const auto received = publisher_client_.all<ms::FetchReceived>();
    ASSERT_FALSE(received.empty()) << "the relay has not sent a FETCH";
    ms::Session& session = publisher_client_.session();
    const ms::RequestHandle request = received.back().request;
    ASSERT_TRUE(session.accept_fetch(request, {false, end}).ok());
    const auto stream = session.open_fetch(request);
    ASSERT_TRUE(stream.ok());
    for (const auto& [location, payload] : objects) {
      ms::FetchObject object;
      object.location = location;
      object.payload =
          base::SharedBytes::copy_of({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
      object.payload_length = payload.size();
      ASSERT_TRUE(session.append_fetch_object(*stream, object).ok());
    }
    ASSERT_TRUE(session.finish_stream(*stream).ok());
    network_.run();
  }

  RelayNetwork network_;
  RelayClient& publisher_client_ = network_.connect();
  RelayClient& viewer_ = network_.connect();
  RelayClient& late_ = network_.connect();
  TestPublisher publisher_{network_, publisher_client_};
};

}  // namespace msquic_py::relay::fetch_tests

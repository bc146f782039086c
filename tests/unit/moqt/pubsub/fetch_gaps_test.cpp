// What an application leaves out of its answer to a FETCH, since it does not know what was there (draft-18 section
// 11.4.4.2, draft-22 sections 3.2.2 and 11.4.1.2).
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "endpoint_pair.h"

namespace msquic_py::moqt::pubsub {
namespace {

class FetchGapEvents : public ::testing::TestWithParam<Draft> {};
INSTANTIATE_TEST_SUITE_P(Drafts, FetchGapEvents, ::testing::Values(Draft::k16, Draft::k18, Draft::k22));

TEST_P(FetchGapEvents, AbsentAndUnknownAreToldApart) {
  for (const GroupOrder order : {GroupOrder::kAscending, GroupOrder::kDescending}) {
    testing::SessionPair sessions(1, {}, {}, /*collect_events=*/false, GetParam());
    Endpoint publisher(sessions.server.session);
    sessions.establish();
    TrackOptions options;
    options.answers_fetch = true;  // the application knows what was before
    const auto writer = *publisher.add_track({TrackNamespace{"a"}, "t"}, options);
    const auto subscribe = sessions.client.session.fetch({TrackNamespace{"a"}, "t"}, {2, 0}, {6, 0}, [&] {
      MessageParameters parameters;
      parameters.set_group_order(order);
      return parameters;
    }());
    ASSERT_TRUE(subscribe.ok());
    sessions.run();
    const auto group = *writer->begin_group(6);
    ASSERT_TRUE(group->write(testing::shared("x")).ok());
    group->finish();
    publisher.drain_session(sessions.now);
    EndpointEvent event;
    std::shared_ptr<FetchResponse> response;
    while (publisher.poll_event(event)) {
      if (auto* asked = std::get_if<FetchRequested>(&event)) response = asked->response;
    }
    ASSERT_NE(response, nullptr);
    const bool up = order == GroupOrder::kAscending;
    session::FetchObject object;
    object.payload = testing::shared("y");
    object.payload_length = 1;
    object.location = {up ? 2u : 6u, 1};
    ASSERT_TRUE(response->write(object).ok());
    ASSERT_TRUE(response->leave_gap({4, 3}).ok());
    object.location = {4, 7};
    ASSERT_TRUE(response->write(object).ok());
    EXPECT_EQ(response->leave_gap({up ? 7u : 1u, 0}).error(), session::SessionError::kOutOfRange);
    ASSERT_TRUE(response->finish().ok());
    sessions.run();
    std::vector<Location> objects, gaps;
    session::Event told;
    std::optional<session::FetchEnded> ended;
    while (sessions.client.session.poll_event(told)) {
      if (const auto* each = std::get_if<session::FetchObjectReceived>(&told)) objects.push_back(each->location);
      if (const auto* each = std::get_if<session::FetchGapReceived>(&told)) gaps.push_back(each->last);
      if (const auto* each = std::get_if<session::FetchEnded>(&told)) ended = *each;
    }
    EXPECT_EQ(objects, (std::vector<Location>{{up ? 2u : 6u, 1}, {4, 7}}));
    EXPECT_EQ(gaps, (std::vector<Location>{{4, 2}}));
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->fin);
    EXPECT_FALSE(ended->finished);
    EXPECT_EQ(ended->reset_code, 0x6u) << "UNKNOWN_OBJECT_STATUS, whatever its number in the draft";
  }
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub

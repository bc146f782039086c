// Sessions of several drafts over real MsQuic: what the handshake agrees on, and the relay between them.

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "moqt/session/data/object_encoding.h"
#include "unit/runtime/relay_server_fixture.h"

namespace msquic_py::runtime::testing {
namespace {

using moqt::Draft;

class NegotiationTest : public RelayServerTest {
 protected:
  /// What the two agree on; nothing when they do not.
  std::optional<Draft> agreed(std::vector<Draft> served, std::vector<Draft> offered) {
    listen([&](auto& options) { options.drafts = std::move(served); });
    std::optional<Draft> draft;
    Client client;
    client.on_event = [&](SessionDriver& driver, session::Event& event) {
      if (!std::holds_alternative<session::Established>(event)) return;
      draft = driver.session().draft();
      driver.close(moqt::SessionErrorCode::kNoError, "done");
    };
    client.when_finished = [&] { loop_.stop(); };
    dial(client, [&](auto& options) { options.drafts = std::move(offered); });
    run();
    return draft;
  }
};

TEST_F(NegotiationTest, TheNewestIsPreferred) { EXPECT_EQ(agreed(all_drafts(), all_drafts()), Draft::k22); }
TEST_F(NegotiationTest, ServersHaveTheirPreference) {
  EXPECT_EQ(agreed({Draft::k18, Draft::k15}, {Draft::k15, Draft::k18}), Draft::k18);
}
TEST_F(NegotiationTest, OlderClientsAreServed) { EXPECT_EQ(agreed(all_drafts(), {Draft::k15}), Draft::k15); }
TEST_F(NegotiationTest, OlderServersAreReached) { EXPECT_EQ(agreed({Draft::k15}, all_drafts()), Draft::k15); }
TEST_F(NegotiationTest, WithoutACommonOneThereIsNoSession) { EXPECT_FALSE(agreed({Draft::k15}, {Draft::k18})); }

class RelayedDraftsTest : public RelayServerTest, public ::testing::WithParamInterface<std::tuple<Draft, Draft>> {};

TEST_P(RelayedDraftsTest, ATrackComesThrough) {
  const auto [published, received] = GetParam();
  listen();
  Client publisher;
  Client subscriber;
  const moqt::FullTrackName track(moqt::TrackNamespace{"live"}, "video");
  const std::string large(200'000, 'x');
  std::size_t payload = 0;
  std::optional<std::uint64_t> done;
  publisher.on_event = [&, draft = received](SessionDriver& driver, session::Event& event) {
    session::Session& mine = driver.session();
    if (std::holds_alternative<session::Established>(event)) (void)mine.publish_namespace({"live"});
    if (std::holds_alternative<session::RequestAccepted>(event)) {
      dial(subscriber, [draft](auto& options) { options.drafts = {draft}; });
    }
    if (const auto* asked = std::get_if<session::SubscribeReceived>(&event)) {
      ASSERT_TRUE(mine.accept(asked->request).ok());
      const auto stream = mine.open_subgroup(asked->request, {});
      ASSERT_TRUE(stream.ok());
      const std::uint8_t object[] = {0, 2, 'h', 'i'};  // Object ID Delta 0, length 2
      ASSERT_TRUE(mine.append_object(*stream, 0, base::SharedBytes::copy_of(object), 1).ok());
      base::SlabArena arena;
      const auto header = session::encode_object(mine.draft(), arena, 1, std::nullopt, large.size());
      ASSERT_TRUE(mine.append_object(*stream, 1, header->wire, header->delta_size, large.size()).ok());
      ASSERT_TRUE(mine.append_payload(*stream, base::SharedBytes::copy_of(base::as_bytes(large))).ok());
      ASSERT_TRUE(mine.finish_stream(*stream).ok());
      ASSERT_TRUE(mine.publish_done(asked->request, moqt::PublishDoneCode::kTrackEnded).ok());
    }
  };
  subscriber.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) (void)driver.session().subscribe(track);
    if (const auto* object = std::get_if<session::ObjectReceived>(&event)) payload += object->payload().size();
    if (const auto* more = std::get_if<session::ObjectPayload>(&event)) payload += more->bytes.size();
    if (const auto* end = std::get_if<session::SubscriptionDone>(&event)) {
      done = end->code;
      loop_.stop();
    }
  };
  dial(publisher, [draft = published](auto& options) { options.drafts = {draft}; });
  run();
  EXPECT_EQ(payload, large.size() + 2);
  EXPECT_EQ(done, static_cast<std::uint64_t>(moqt::PublishDoneCode::kTrackEnded));
}

INSTANTIATE_TEST_SUITE_P(EachWithEach, RelayedDraftsTest,
                         ::testing::Combine(::testing::ValuesIn(moqt::kSupportedDrafts),
                                            ::testing::ValuesIn(moqt::kSupportedDrafts)),
                         [](const auto& pair) {
                           return "Published" + std::to_string(static_cast<int>(std::get<0>(pair.param))) + "Received" +
                                  std::to_string(static_cast<int>(std::get<1>(pair.param)));
                         });

// More requests than the server admits streams at a time: they wait, and all are answered.
TEST_F(RelayServerTest, RequestsWaitForStreams) {
  listen();
  Client client;
  std::size_t refused = 0;
  client.on_event = [&](SessionDriver& driver, session::Event& event) {
    if (std::holds_alternative<session::Established>(event)) {
      for (int i = 0; i < 700; ++i) {
        const moqt::FullTrackName track(moqt::TrackNamespace{"none"}, std::to_string(i));
        ASSERT_TRUE(driver.session().track_status(track).ok());
      }
    }
    if (std::holds_alternative<session::RequestRejected>(event) && ++refused == 700) loop_.stop();
  };
  dial(client);
  run();
  EXPECT_EQ(refused, 700u);
}

}  // namespace
}  // namespace msquic_py::runtime::testing

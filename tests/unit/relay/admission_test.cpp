// Who may use the relay, and for what: its policy decides, at once or later [d15 §8.4] [d15 §8.5].

#include <gtest/gtest.h>

#include "harness/relay_network.h"

namespace msquic_py::relay {
namespace {

using namespace testing;
using moqt::AuthorizationToken;
using moqt::RequestErrorCode;
using moqt::TokenAliasType;

/// Allows what its table says, and keeps what it was asked; with `later` it answers nothing by itself.
class TablePolicy final : public AdmissionPolicy {
 public:
  struct Asked {
    std::uint64_t peer;
    ms::AuthorizationRequested question;
    std::string path;
    std::string address;
  };
  std::optional<ms::Verdict> judge(const Applicant& applicant, const ms::AuthorizationRequested& question) override {
    const auto path = applicant.setup == nullptr ? std::nullopt : applicant.setup->path();
    asked.push_back({applicant.peer, question, std::string(path.value_or("")), std::string(applicant.address)});
    if (question.operation == later) return std::nullopt;
    if (refused == question.operation) return ms::Verdict::refuse(RequestErrorCode::kUnauthorized, "not you");
    return ms::Verdict::allow();
  }
  void withdrawn(std::uint64_t /*peer*/, ms::RequestHandle request) override { gone.push_back(request); }
  void left(std::uint64_t peer) override { peers_gone.push_back(peer); }

  std::optional<ms::Operation> refused;
  std::optional<ms::Operation> later;
  std::vector<Asked> asked;
  std::vector<ms::RequestHandle> gone;
  std::vector<std::uint64_t> peers_gone;
};

class AdmissionTest : public ::testing::Test {
 protected:
  [[nodiscard]] bool was_asked(ms::Operation operation) const {
    return std::any_of(policy_.asked.begin(), policy_.asked.end(),
                       [&](const auto& each) { return each.question.operation == operation; });
  }
  TablePolicy policy_;
  RelayNetwork network_{{}, &policy_};
};

moqt::MessageParameters with_token(std::string_view text) {
  moqt::MessageParameters parameters;
  parameters.add_authorization_token({TokenAliasType::kUseValue, 0, 7, {text.begin(), text.end()}});
  return parameters;
}

TEST_F(AdmissionTest, ASessionIsAskedAboutWithItsPath) {
  ms::SessionConfig config;
  config.path = "/studio";
  RelayClient& client = network_.connect(config);
  EXPECT_EQ(client.count<ms::Established>(), 1u);
  ASSERT_EQ(policy_.asked.size(), 1u);
  EXPECT_EQ(policy_.asked[0].question.operation, ms::Operation::kSetup);
  EXPECT_EQ(policy_.asked[0].path, "/studio");
}

TEST_F(AdmissionTest, ARefusedSessionIsClosed) {
  policy_.refused = ms::Operation::kSetup;
  RelayClient& client = network_.connect();
  const auto closed = client.only<ms::Closed>();
  EXPECT_EQ(closed.code, static_cast<std::uint64_t>(moqt::SessionErrorCode::kUnauthorized));
  EXPECT_EQ(closed.reason, "not you");
}

// [d15 §8.4-1]
TEST_F(AdmissionTest, ASubscriberSeesOnlyWhatItMay) {
  RelayClient& publisher_client = network_.connect();
  RelayClient& subscriber = network_.connect();
  TestPublisher publisher(network_, publisher_client);
  publisher.announce();
  policy_.refused = ms::Operation::kSubscribe;
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), with_token("viewer")).ok());
  network_.run();
  EXPECT_EQ(subscriber.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(RequestErrorCode::kUnauthorized));
  EXPECT_EQ(publisher_client.count<ms::SubscribeReceived>(), 0u) << "nobody upstream hears of it";
  ASSERT_TRUE(was_asked(ms::Operation::kSubscribe));
  EXPECT_EQ(policy_.asked.back().question.tokens, with_token("viewer").authorization_tokens());

  policy_.refused.reset();
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), with_token("viewer")).ok());
  network_.run();
  publisher.accept();
  EXPECT_EQ(subscriber.count<ms::RequestAccepted>(), 1u);
  EXPECT_TRUE(publisher_client.only<ms::SubscribeReceived>().parameters.authorization_tokens().empty())
      << "a token is for this hop";
}

// [d15 §8.4-1]
TEST_F(AdmissionTest, AFetchIsAskedAboutToo) {
  RelayClient& client = network_.connect();
  policy_.refused = ms::Operation::kFetch;
  ASSERT_TRUE(client.session().fetch(track_name(), {0, 0}, {1, 0}).ok());
  network_.run();
  EXPECT_EQ(client.only<ms::RequestRejected>().reason, "not you");
  EXPECT_EQ(network_.relay.counters().fetches, 1u);

  policy_.refused.reset();
  ASSERT_TRUE(client.session().fetch(track_name(), {0, 0}, {1, 0}).ok());
  network_.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 2u) << "allowed, and nobody publishes the track";
  EXPECT_EQ(network_.relay.counters().fetches, 2u);

  policy_.later = ms::Operation::kFetch;
  ASSERT_TRUE(client.session().fetch(track_name(), {0, 0}, {1, 0}).ok());
  network_.run();
  const auto& asked = policy_.asked.back();
  network_.relay.decide(asked.peer, asked.question.request, ms::Verdict::refuse(RequestErrorCode::kUnauthorized, "no"));
  network_.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 3u);
  EXPECT_EQ(network_.relay.counters().fetches, 3u);
  EXPECT_EQ(network_.relay.counters().fetch_hits + network_.relay.counters().fetch_misses, 0u);
}

// [d15 §8.5-1]
TEST_F(AdmissionTest, APublisherPublishesOnlyWhatItMay) {
  RelayClient& client = network_.connect();
  policy_.refused = ms::Operation::kPublishNamespace;
  ASSERT_TRUE(client.session().publish_namespace(moqt::TrackNamespace{"live"}).ok());
  network_.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 1u);
  EXPECT_EQ(network_.relay.counters().published_namespaces, 0u);

  policy_.refused = ms::Operation::kPublish;
  ASSERT_TRUE(client.session().publish(track_name()).ok());
  network_.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 2u);
  EXPECT_EQ(network_.relay.counters().tracks, 0u);
}

TEST_F(AdmissionTest, TheWordMayComeLater) {
  RelayClient& client = network_.connect();
  policy_.later = ms::Operation::kPublishNamespace;
  ASSERT_TRUE(client.session().publish_namespace(moqt::TrackNamespace{"live"}).ok());
  network_.run();
  EXPECT_EQ(client.count<ms::RequestAccepted>(), 0u);
  const TablePolicy::Asked asked = policy_.asked.back();
  network_.relay.decide(asked.peer, asked.question.request, ms::Verdict::allow());
  network_.run();
  EXPECT_EQ(client.count<ms::RequestAccepted>(), 1u);
  EXPECT_EQ(network_.relay.counters().published_namespaces, 1u);
  network_.relay.decide(asked.peer, asked.question.request, ms::Verdict::refuse(RequestErrorCode::kUnauthorized, ""));
  network_.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 0u) << "it has been decided";
}

TEST_F(AdmissionTest, NobodyIsAskedAboutWhatIsGone) {
  RelayClient& client = network_.connect();
  policy_.later = ms::Operation::kSubscribe;
  const auto request = client.session().subscribe(track_name());
  network_.run();
  ASSERT_TRUE(client.session().cancel(*request).ok());
  network_.run();
  const TablePolicy::Asked asked = policy_.asked.back();
  EXPECT_EQ(policy_.gone, std::vector{asked.question.request});
  network_.relay.decide(asked.peer, asked.question.request, ms::Verdict::allow());
  network_.run();
  EXPECT_EQ(network_.relay.counters().tracks, 0u);

  network_.lose(client);
  EXPECT_EQ(policy_.peers_gone, std::vector{asked.peer});
  network_.relay.decide(asked.peer, asked.question.request, ms::Verdict::allow());
}

TEST_F(AdmissionTest, WithoutAWordARequestTimesOut) {
  RelayClient& client = network_.connect();
  policy_.later = ms::Operation::kSubscribe;
  ASSERT_TRUE(client.session().subscribe(track_name()).ok());
  network_.run();
  network_.advance(std::chrono::seconds(11));
  EXPECT_EQ(client.only<ms::RequestRejected>().code, static_cast<std::uint64_t>(RequestErrorCode::kTimeout));
}

}  // namespace
}  // namespace msquic_py::relay

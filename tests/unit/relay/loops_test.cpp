// Relays that are each other's upstreams.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "harness/relay_tree.h"

namespace msquic_py::testing {
namespace {

using namespace std::chrono_literals;

std::size_t ring(RelayTree& tree, std::size_t relays) {
  for (std::size_t node = 0; node < relays; ++node) tree.add({}, {moqt::TrackNamespace{}});
  return relays;
}

TEST(Loops, ARelayThatIsItsOwnUpstreamRefusesItself) {
  RelayTree tree;
  ring(tree, 1);
  tree.link(0, 0);
  EXPECT_EQ(tree.at(0).counters().loops_noticed, 1u);
  RelayClient& client = tree.connect(0);
  ASSERT_TRUE(client.session().subscribe(track_name(), from_largest()).ok());
  tree.run();
  EXPECT_EQ(client.only<ms::RequestRejected>().reason, std::string(relay::kLoopReason));
}

TEST(Loops, OnlyTheSessionThatClosesALoopIsRefused) {
  RelayTree tree;
  ring(tree, 3);
  tree.link(0, 1);
  tree.link(1, 2);
  tree.link(2, 0);
  EXPECT_EQ(tree.at(0).counters().loops_noticed, 1u);
  EXPECT_EQ(tree.at(1).counters().loops_noticed, 0u);
  EXPECT_EQ(tree.at(2).counters().loops_noticed, 0u);
  // The rest is a row of relays as before.
  RelayClient& source = tree.connect(2);
  TreePublisher publisher(tree, source);
  publisher.announce();
  RelayClient& subscriber = tree.connect(0);
  ASSERT_TRUE(subscriber.session().subscribe(track_name(), from_largest()).ok());
  tree.run();
  publisher.accept();
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), std::vector<std::string>{"0/0 a"});
  // What nobody has is refused at once, not passed round.
  RelayClient& other = tree.connect(1);
  ASSERT_TRUE(other.session().subscribe({{"nobody"}, "unknown"}, from_largest()).ok());
  tree.run();
  EXPECT_EQ(other.count<ms::RequestRejected>(), 1u);
}

TEST(Loops, OneThatClosesAtOnceEverywhereIsNoticedToo) {
  RelayTree tree;
  ring(tree, 3);
  tree.link(0, 1, 0, /*runs=*/false);
  tree.link(1, 2, 0, /*runs=*/false);
  tree.link(2, 0, 0, /*runs=*/false);
  tree.run();
  std::uint64_t noticed = 0;
  for (const std::size_t node : {0u, 1u, 2u}) noticed += tree.at(node).counters().loops_noticed;
  EXPECT_GE(noticed, 1u);
  RelayClient& client = tree.connect(1);
  ASSERT_TRUE(client.session().subscribe(track_name(), from_largest()).ok());
  tree.run();
  EXPECT_EQ(client.count<ms::RequestRejected>(), 1u);
}

TEST(Loops, RelaysMayBeEachOthersUpstreamsForDifferentNamespaces) {
  RelayTree tree;
  const std::size_t left = tree.add({}, {moqt::TrackNamespace{"right"}});
  const std::size_t right = tree.add({}, {moqt::TrackNamespace{"left"}});
  tree.link(left, right);
  tree.link(right, left);
  EXPECT_EQ(tree.at(left).counters().loops_noticed + tree.at(right).counters().loops_noticed, 0u);
  RelayClient& source = tree.connect(right);
  TreePublisher publisher(tree, source);
  publisher.announce({"right", "side"});
  RelayClient& subscriber = tree.connect(left);
  ASSERT_TRUE(subscriber.session().subscribe({{"right", "side"}, "video"}, from_largest()).ok());
  tree.run();
  publisher.accept();
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), std::vector<std::string>{"0/0 a"});
}

TEST(Loops, IsRefusedForThePrefixThatGoesRoundAlone) {
  RelayTree tree;
  const std::size_t left = tree.add({}, {moqt::TrackNamespace{}});
  const std::size_t right = tree.add({}, {moqt::TrackNamespace{"live"}});
  tree.link(left, right);
  tree.link(right, left);
  EXPECT_EQ(tree.at(left).counters().loops_noticed, 1u);
  RelayClient& source = tree.connect(right);
  TreePublisher publisher(tree, source);
  publisher.announce({"news"});
  RelayClient& subscriber = tree.connect(left);
  ASSERT_TRUE(subscriber.session().subscribe({{"news"}, "video"}, from_largest()).ok());
  tree.run();
  publisher.accept();
  publisher.group(0, {"a"});
  EXPECT_EQ(objects(subscriber), std::vector<std::string>{"0/0 a"});
}

TEST(Loops, WhenALoopIsGoneTheRelayBeginsAnewWithWhoWasRefused) {
  RelayTree tree;
  ring(tree, 3);
  RelayLink& first = tree.link(0, 1);
  tree.link(1, 2);
  RelayLink& closing = tree.link(2, 0);
  tree.cut(first);
  EXPECT_TRUE(closing.pair.server.closed);  // who dials again then is welcome
}

TEST(Loops, NobodyIsToldOfMarksAsIfTheyWereNamespaces) {
  RelayTree tree;
  ring(tree, 1);
  const std::size_t root = tree.add();
  tree.link(0, root);
  RelayClient& listener = tree.connect(root);
  for (const auto& prefix : {moqt::TrackNamespace{".msquic-py-relay"}, moqt::TrackNamespace{"live"}}) {
    ASSERT_TRUE(listener.session().subscribe_namespace(prefix).ok());
  }
  tree.run();
  EXPECT_EQ(listener.count<ms::NamespacePublished>(), 0u);
  EXPECT_EQ(tree.at(root).counters().published_namespaces, 0u);
}

}  // namespace
}  // namespace msquic_py::testing

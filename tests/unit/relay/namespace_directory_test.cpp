#include "relay/namespace_directory.h"

#include <gtest/gtest.h>

#include "moqt/session/session.h"
#include "relay/peer.h"

namespace msquic_py::relay {
namespace {

using moqt::TrackNamespace;

class NoOutlet final : public Outlet {
 public:
  void make_ready() override {}
};

class NamespaceDirectoryTest : public ::testing::Test {
 protected:
  NoOutlet outlet_;
  moqt::session::Session session_{moqt::Draft::k15, moqt::session::SessionConfig{}};
  Peer a_{1, session_, outlet_};
  Peer b_{2, session_, outlet_};
  NamespaceDirectory directory_;
};

TEST_F(NamespaceDirectoryTest, MatchesWholeFieldsOnly) {
  // The example of [d15 §8.5]: (foo, bar) is matched by (foo) and (foo, bar), not by (foobar).
  directory_.publish(TrackNamespace{"foo"}, a_);
  directory_.publish(TrackNamespace{"foobar"}, b_);
  EXPECT_EQ(directory_.publishers_for(TrackNamespace{"foo", "bar"}), std::vector<Peer*>{&a_});
}

TEST_F(NamespaceDirectoryTest, NamesAPublisherOfSeveralPrefixesOnce) {
  directory_.publish(TrackNamespace{"foo"}, a_);
  directory_.publish(TrackNamespace{"foo", "bar"}, a_);
  directory_.publish(TrackNamespace{"foo", "bar"}, b_);
  EXPECT_EQ(directory_.publishers_for(TrackNamespace{"foo", "bar", "x"}), (std::vector<Peer*>{&a_, &b_}));
}

TEST_F(NamespaceDirectoryTest, TellsTheFirstAndTheLastPublisher) {
  EXPECT_TRUE(directory_.publish(TrackNamespace{"foo"}, a_));
  EXPECT_FALSE(directory_.publish(TrackNamespace{"foo"}, b_));
  EXPECT_FALSE(directory_.unpublish(TrackNamespace{"foo"}, a_));
  EXPECT_TRUE(directory_.unpublish(TrackNamespace{"foo"}, b_));
  EXPECT_FALSE(directory_.unpublish(TrackNamespace{"foo"}, b_));
}

TEST_F(NamespaceDirectoryTest, ListsWhatIsPublishedUnderAPrefix) {
  for (const auto& name : {TrackNamespace{"a"}, TrackNamespace{"a", "x"}, TrackNamespace{"ab"}, TrackNamespace{"b"}}) {
    directory_.publish(name, a_);
  }
  const auto found = directory_.published_under(TrackNamespace{"a"});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].track_namespace, (TrackNamespace{"a"}));
  EXPECT_EQ(found[1].track_namespace, (TrackNamespace{"a", "x"}));
  EXPECT_EQ(directory_.published_under(TrackNamespace{}).size(), 4u);
}

TEST_F(NamespaceDirectoryTest, ListsInTheOrderOfPublication) {
  for (const auto& name : {TrackNamespace{"a", "z"}, TrackNamespace{"a", "b"}, TrackNamespace{"a", "y"}}) {
    directory_.publish(name, a_);
  }
  const auto later = directory_.published_under(TrackNamespace{"a"}, *directory_.publish(TrackNamespace{"a", "c"}, a_));
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].track_namespace, (TrackNamespace{"a", "c"}));
  const auto all = directory_.published_under(TrackNamespace{"a"});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].track_namespace, (TrackNamespace{"a", "z"}));
  EXPECT_EQ(all[3].track_namespace, (TrackNamespace{"a", "c"}));
}

TEST_F(NamespaceDirectoryTest, FindsWhoIsInterested) {
  directory_.subscribe(TrackNamespace{"a"}, a_);
  directory_.subscribe(TrackNamespace{"a", "x"}, b_);
  EXPECT_EQ(directory_.interested_in(TrackNamespace{"a", "x", "y"}), (std::vector<Peer*>{&a_, &b_}));
  EXPECT_EQ(directory_.interested_in(TrackNamespace{"a"}), std::vector<Peer*>{&a_});
  directory_.unsubscribe(TrackNamespace{"a"}, a_);
  EXPECT_TRUE(directory_.interested_in(TrackNamespace{"a"}).empty());
}

}  // namespace
}  // namespace msquic_py::relay

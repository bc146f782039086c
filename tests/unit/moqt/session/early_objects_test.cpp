// Objects that come before the SUBSCRIBE_OK that names their Track Alias, of subscriptions that are not the first one
// to their track: the publisher may use an alias again, for a subscription beside another one (draft-22 section 3.1.3)
// or behind it [d15 §10.1, §10.4.2]. Bytes are written from the drafts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/request_peer.h"

namespace msquic_py::moqt::session {
namespace {

using testing::RequestPeer;

class EarlyObjectsOf : public ::testing::Test {
 protected:
  explicit EarlyObjectsOf(Draft draft, SessionConfig config = {})
      : peer(RequestPeer::established(Perspective::kClient, std::move(config), draft)), shared_(draft <= Draft::k16) {}

  RequestHandle subscribe(std::optional<SubscriptionFilter> filter = {}) {
    MessageParameters parameters;
    if (filter) parameters.set_filter(*filter);
    const auto asked = peer.session.subscribe({TrackNamespace{"a"}, "t"}, std::move(parameters));
    EXPECT_TRUE(asked.ok());
    peer.drain();
    return *asked;
  }
  /// SUBSCRIBE_OK for the SUBSCRIBE of that number, with this alias.
  void answer(std::size_t number, const std::string& alias) {
    if (shared_) return peer.control("04 0003 0" + std::to_string(2 * number) + alias + "00");
    peer.say(peer.opened.at(number), "04 0002 " + alias + "00");
  }
  /// PUBLISH_DONE: TRACK_ENDED, one stream.
  void end(std::size_t number) {
    if (shared_) return peer.control("0b 0004 0" + std::to_string(2 * number) + "02 01 00");
    peer.say(peer.opened.at(number), "0b 0003 02 01 00", true);
  }
  using Places = std::vector<std::string>;
  /// "group.object" of what a subscription has been given.
  [[nodiscard]] Places of(RequestHandle subscription) const {
    Places found;
    const auto add = [&](RequestHandle whose, Location location) {
      if (whose != subscription) return;
      found.push_back(std::to_string(location.group) + "." + std::to_string(location.object));
    };
    for (const auto& event : peer.events) {
      if (const auto* object = std::get_if<ObjectReceived>(&event)) add(object->subscription, object->location);
      if (const auto* datagram = std::get_if<DatagramReceived>(&event)) add(datagram->subscription, datagram->location);
    }
    return found;
  }
  /// What is told of a subscription begins with its answer.
  void expect_answer_first(RequestHandle subscription) const {
    for (const auto& event : peer.events) {
      if (const auto* accepted = std::get_if<RequestAccepted>(&event)) {
        if (accepted->request == subscription) return;
      }
      const auto* opened = std::get_if<SubgroupOpened>(&event);
      EXPECT_FALSE(opened != nullptr && opened->subscription == subscription);
    }
    ADD_FAILURE() << "no answer";
  }

  RequestPeer peer;

 private:
  bool shared_;
};

class EarlyObjects : public EarlyObjectsOf, public ::testing::WithParamInterface<Draft> {
 protected:
  EarlyObjects() : EarlyObjectsOf(GetParam()) {}
};

TEST_P(EarlyObjects, OfAnAliasThatACancelledOneHad) {
  const auto first = subscribe();
  answer(0, "05");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);  // alias 5, group 1, priority 128: object 0
  EXPECT_TRUE(of(first).empty());
  answer(1, "05");
  EXPECT_EQ(of(second), (Places{"1.0"}));
  expect_answer_first(second);
}

TEST_P(EarlyObjects, AreDatagrams) {
  const auto first = subscribe();
  answer(0, "05");
  end(0);
  const auto second = subscribe();
  peer.datagram("00 05 02 00 80 78");  // group 2, object 0
  answer(1, "05");
  EXPECT_EQ(of(first), (Places{"2.0"}));
  EXPECT_EQ(of(second), (Places{"2.0"}));
}

TEST_P(EarlyObjects, OfAnAliasThatIsNotGivenAgain) {
  const auto first = subscribe();
  answer(0, "05");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78");
  EXPECT_TRUE(peer.stopped.empty());
  answer(1, "06");
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 7u);
  peer.stream(11, "10 05 01 80 | 00 01 78");
  EXPECT_EQ(peer.stopped.size(), 2u) << "late data of the first one is known as such again";
  peer.stream(15, "10 06 01 80 | 00 01 78", true);
  EXPECT_EQ(of(second), (Places{"1.0"}));
}

// The answer to the first one was on its way when it was cancelled.
TEST_P(EarlyObjects, OfAnAliasThatNobodyClaims) {
  const auto first = subscribe();
  ASSERT_TRUE(peer.session.cancel(first).ok());
  const auto second = subscribe();
  answer(0, "05");
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  answer(1, "05");
  EXPECT_EQ(of(second), (Places{"1.0"}));
}

TEST_P(EarlyObjects, OfOneThatEndsWithoutAnAnswer) {
  const auto first = subscribe();
  answer(0, "05");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78");
  ASSERT_TRUE(peer.session.cancel(second).ok());
  peer.drain();
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 7u);
}

// The first one waits for a stream that its PUBLISH_DONE counts; one that comes now may be that, or of the next one.
TEST_P(EarlyObjects, OfAnAliasOfOneThatIsBeingEnded) {
  const auto first = subscribe();
  answer(0, "05");
  end(0);
  EXPECT_TRUE(peer.all<SubscriptionDone>().empty());
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78");
  EXPECT_EQ(of(first), (Places{"1.0"}));
  answer(1, "05");
  EXPECT_EQ(peer.only<SubscriptionDone>().subscription, first);
  peer.stream(7, "00 01 78", true);
  EXPECT_EQ(of(second), (Places{"1.0", "1.1"}));
  EXPECT_EQ(of(first), (Places{"1.0"}));
  EXPECT_TRUE(peer.stopped.empty());
}

INSTANTIATE_TEST_SUITE_P(Drafts, EarlyObjects, ::testing::Values(Draft::k15, Draft::k16, Draft::k18, Draft::k22),
                         [](const auto& each) { return "Draft" + std::to_string(static_cast<int>(each.param)); });

// Draft-15 section 5.1 allows a SUBSCRIBE for a track that the peer publishes already.
class EarlyBesidePublish : public EarlyObjectsOf {
 protected:
  EarlyBesidePublish() : EarlyObjectsOf(Draft::k15) {}
};

TEST_F(EarlyBesidePublish, AreForBoth) {
  peer.control("1d 0008 01 01 0161 01 74 05 00");  // PUBLISH with alias 5
  const auto published = peer.only<PublishReceived>().request;
  ASSERT_TRUE(peer.session.accept(published).ok());
  const auto asked = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  EXPECT_EQ(of(published), (Places{"1.0"}));
  answer(0, "05");
  EXPECT_EQ(of(asked), (Places{"1.0"}));
}

class EarlyBesideAnother : public EarlyObjectsOf {
 protected:
  explicit EarlyBesideAnother(SessionConfig config = {}) : EarlyObjectsOf(Draft::k22, std::move(config)) {}
};

TEST_F(EarlyBesideAnother, AreForThoseWhoWantThem) {
  const auto past = subscribe(SubscriptionFilter::absolute_range({0, 0}, 1));
  answer(0, "05");
  const auto later = subscribe(SubscriptionFilter::absolute_start({1, 1}));
  peer.stream(7, "10 05 01 80 | 00 01 78 | 00 01 78", true);
  peer.stream(11, "10 05 02 80 | 00 03 61");  // the beginning of an object
  peer.stream(15, "10 05 00 80 | 00 01 78", true);
  peer.datagram("00 05 00 01 80 78");
  peer.datagram("00 05 03 00 80 78");
  EXPECT_EQ(of(past), (Places{"1.0", "1.1", "0.0", "0.1"})) << "at once, and nothing that only the other one wants";
  EXPECT_TRUE(of(later).empty());
  answer(1, "05");
  EXPECT_EQ(of(later), (Places{"1.1", "2.0", "3.0"}));
  expect_answer_first(later);
  peer.stream(11, "62 63", true);
  ASSERT_EQ(peer.all<ObjectPayload>().size(), 1u);
  EXPECT_EQ(peer.all<ObjectPayload>()[0].subscription, later);
  EXPECT_EQ(peer.all<ObjectPayload>()[0].remaining, 0u);
  std::vector<IncomingStreamId> opened, ended;
  for (const auto& each : peer.all<SubgroupOpened>()) {
    if (each.subscription == later) opened.push_back(each.stream);
  }
  for (const auto& each : peer.all<SubgroupEnded>()) {
    if (each.subscription == later) ended.push_back(each.stream);
    EXPECT_TRUE(each.finished);
  }
  EXPECT_EQ(opened, (std::vector<IncomingStreamId>{7, 11})) << "who wants nothing of a stream hears nothing of it";
  EXPECT_EQ(ended, opened);
}

// Several may wait, and the first one of all, too.
TEST_F(EarlyBesideAnother, AreKeptForEachThatWaits) {
  const auto first = subscribe();
  const auto second = subscribe();
  const auto third = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  answer(0, "05");
  peer.stream(11, "10 05 02 80 | 00 01 78", true);
  answer(2, "05");
  answer(1, "05");
  for (const auto each : {first, second, third}) {
    EXPECT_EQ(of(each), (Places{"1.0", "2.0"}));
    expect_answer_first(each);
  }
}

TEST_F(EarlyBesideAnother, AreOfTheOtherAloneWhereTheAliasIsAnother) {
  const auto first = subscribe();
  answer(0, "05");
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  peer.stream(11, "10 06 01 80 | 00 01 78", true);
  answer(1, "06");
  EXPECT_EQ(of(first), (Places{"1.0"}));
  EXPECT_EQ(of(second), (Places{"1.0"}));
  for (const auto& each : peer.all<ObjectReceived>()) EXPECT_EQ(each.stream, each.subscription == first ? 7u : 11u);
  end(0);
  EXPECT_EQ(peer.only<SubscriptionDone>().subscription, first) << "its only stream has come, and all know whose it was";
}

TEST_F(EarlyBesideAnother, OutliveTheOther) {
  const auto first = subscribe();
  answer(0, "05");
  peer.stream(7, "10 05 00 80 | 00 01 78");
  const auto second = subscribe();
  peer.stream(11, "10 05 01 80 | 00 01 78");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  peer.drain();
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 7u) << "older than the second SUBSCRIBE";
  peer.stream(11, "00 01 78", true);
  peer.stream(15, "10 05 02 80 | 00 01 78", true);
  answer(1, "05");
  EXPECT_EQ(of(second), (Places{"1.0", "1.1", "2.0"}));
}

TEST_F(EarlyBesideAnother, AreStoppedWhenNobodyIsLeft) {
  const auto first = subscribe();
  answer(0, "05");
  const auto second = subscribe();
  peer.stream(11, "10 05 01 80 | 00 01 78");
  ASSERT_TRUE(peer.session.cancel(first).ok());
  peer.drain();
  EXPECT_TRUE(peer.stopped.empty());
  ASSERT_TRUE(peer.session.cancel(second).ok());
  peer.drain();
  ASSERT_EQ(peer.stopped.size(), 1u);
  EXPECT_EQ(peer.stopped[0].stream, 11u);
}

// Another track may get the alias when nobody has the first one under it any more.
TEST_F(EarlyBesideAnother, LeaveTheAliasToAnotherTrack) {
  const auto first = subscribe();
  answer(0, "05");
  (void)subscribe();
  const auto other = peer.session.subscribe({TrackNamespace{"a"}, "u"});
  peer.drain();
  ASSERT_TRUE(peer.session.cancel(first).ok());
  answer(2, "05");
  EXPECT_FALSE(peer.closed);
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  EXPECT_EQ(of(*other), (Places{"1.0"}));
}

TEST_F(EarlyBesideAnother, MakeATrackMalformedThatNobodyHas) {
  const auto first = subscribe();
  answer(0, "05");
  const auto second = subscribe();
  ASSERT_TRUE(peer.session.cancel(first).ok());
  peer.stream(7, "18 05 01 80 | 00 01 78", true);  // 0x18: the group ends with its last object
  peer.stream(11, "10 05 01 80 | 04 01 78", true);
  EXPECT_EQ(peer.only<TrackMalformed>().subscription, second);
  EXPECT_FALSE(peer.closed);
}

TEST_F(EarlyBesideAnother, AreKeptForAWhileOnly) {
  const auto first = subscribe();
  answer(0, "05");
  const auto second = subscribe();
  peer.stream(7, "10 05 01 80 | 00 01 78", true);
  peer.datagram("00 05 02 00 80 78");
  peer.advance(peer.session.config().timeouts.unknown_alias * 2);
  peer.stream(11, "10 05 03 80 | 00 01 78", true);
  answer(1, "05");
  EXPECT_EQ(of(second), (Places{"3.0"}));
  EXPECT_EQ(of(first), (Places{"1.0", "2.0", "3.0"}));
}

class FewEarlyObjects : public EarlyBesideAnother {
 protected:
  FewEarlyObjects() : EarlyBesideAnother(little()) {}
  static SessionConfig little() {
    SessionConfig config;
    config.limits.max_unknown_alias_bytes = 8;  // of objects with their headers
    return config;
  }
};

TEST_F(FewEarlyObjects, AreTheLatest) {
  const auto first = subscribe();
  answer(0, "05");
  const auto second = subscribe();
  peer.stream(7, "50 05 01 80 | 00 03 61 62 63");  // 0x50: begins with the first object of its subgroup
  peer.stream(11, "50 05 02 80 | 00 03 61 62 63", true);
  peer.stream(7, "00 01 61", true);
  answer(1, "05");
  EXPECT_EQ(of(second), (Places{"1.1", "2.0"}));
  EXPECT_EQ(of(first), (Places{"1.0", "2.0", "1.1"}));
  for (const auto& each : peer.all<SubgroupOpened>()) {
    if (each.subscription != second) continue;
    EXPECT_EQ(each.properties.first_object, each.stream == 11) << "what came before is lost";
  }
}

}  // namespace
}  // namespace msquic_py::moqt::session

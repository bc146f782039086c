#include "moqt-sub/group_sequencer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace msquic_py::apps {
namespace {

using moqt::ObjectStatus;
using moqt::pubsub::ReceivedObject;

ReceivedObject object(std::uint64_t group, std::uint64_t id, ObjectStatus status = ObjectStatus::kNormal) {
  ReceivedObject made;
  made.location = {group, id};
  made.status = status;
  return made;
}

class GroupSequencerTest : public ::testing::Test {
 protected:
  void add(std::uint64_t group, std::uint64_t id) { sequencer_.add(object(group, id), now_); }
  void end(std::uint64_t group, std::uint64_t id) {
    sequencer_.add(object(group, id, ObjectStatus::kEndOfGroup), now_);
  }

  void layer(std::uint64_t subgroup, std::uint64_t group, std::uint64_t id) {
    ReceivedObject made = object(group, id);
    made.subgroup = subgroup;
    sequencer_.add(std::move(made), now_);
  }
  void wait_for_gaps() {
    now_ += GroupSequencer::kGapPatience + std::chrono::milliseconds(1);
    sequencer_.tend(now_);
  }
  /// What was emitted, "-" behind what builds on missing objects; and forgets it.
  std::vector<std::string> taken() { return std::exchange(out_, {}); }

  GroupSequencer::Time now_{};
  std::vector<std::string> out_;
  GroupSequencer sequencer_{[this](const ReceivedObject& emitted, GroupSequencer::Emitted place) {
    out_.push_back(std::to_string(emitted.location.group) + "." + std::to_string(emitted.location.object) +
                   (place.starts_group ? "*" : "") + (place.broken ? "-" : ""));
  }};
};

TEST_F(GroupSequencerTest, GroupsThatOverlapLeaveOneAfterTheOther) {
  add(7, 0);
  add(8, 0);
  add(7, 1);
  add(8, 1);
  end(8, 2);
  end(7, 2);
  EXPECT_EQ(out_, (std::vector<std::string>{"7.0*", "7.1", "8.0*", "8.1"}));
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
  EXPECT_EQ(sequencer_.groups(), 2u);
}

TEST_F(GroupSequencerTest, WhatIsMissingInsideOfAGroupIsCounted) {
  add(1, 0);
  add(1, 3);
  end(1, 6);
  wait_for_gaps();
  EXPECT_EQ(sequencer_.losses(), (Losses{.objects = 4}));
}

TEST_F(GroupSequencerTest, WhatFollowsAGapWaitsAndBuildsOnWhatIsMissing) {
  add(1, 0);
  add(1, 2);
  add(1, 3);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0*"}));
  wait_for_gaps();
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.2-", "1.3-"}));
  add(1, 1);
  EXPECT_EQ(taken(), std::vector<std::string>{});
  EXPECT_EQ(sequencer_.losses(), (Losses{.late = 1}));
  end(1, 4);
  add(2, 0);
  EXPECT_EQ(taken(), (std::vector<std::string>{"2.0*"}));
}

TEST_F(GroupSequencerTest, WhatAnotherStreamBringsInTimeIsNotMissing) {
  layer(0, 1, 0);
  layer(0, 1, 2);
  layer(0, 1, 4);
  layer(1, 1, 1);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0*", "1.1", "1.2"}));
  layer(1, 1, 3);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.3", "1.4"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, ALayerThatIsMissingTakesNothingFromTheOneBelow) {
  layer(0, 1, 0);
  layer(1, 1, 1);
  layer(0, 1, 2);
  layer(0, 1, 4);
  layer(0, 1, 6);
  wait_for_gaps();
  layer(1, 1, 7);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0*", "1.1", "1.2", "1.4", "1.6", "1.7-"}));
  EXPECT_EQ(sequencer_.losses(), (Losses{.objects = 2}));
}

TEST_F(GroupSequencerTest, ALayerBuildsOnTheOneBelow) {
  layer(0, 1, 0);
  layer(1, 1, 1);
  layer(1, 1, 3);
  layer(1, 1, 5);
  wait_for_gaps();
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0*", "1.1", "1.3-", "1.5-"}));
}

TEST_F(GroupSequencerTest, WhereObjectsWereDroppedHereAStreamThatWentOnProvesNothing) {
  sequencer_.distrust_streams();
  layer(0, 1, 0);
  layer(1, 1, 1);
  layer(0, 1, 4);
  wait_for_gaps();
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0*", "1.1", "1.4-"}));
}

TEST_F(GroupSequencerTest, ASubscriptionThatBeganInsideOfAGroupMissesNothingBefore) {
  layer(0, 1, 4);
  layer(1, 1, 3);
  layer(1, 1, 5);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.4*", "1.5"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, NothingIsMissingBetweenTheEndOfAGroupAndOfItsTrack) {
  add(1, 0);
  end(1, 1);
  sequencer_.add(object(1, 2, ObjectStatus::kEndOfTrack), now_);
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, NothingIsMissingBeforeTheSubscriptionBegan) {
  add(1, 5);
  end(1, 6);
  add(2, 0);
  end(2, 1);
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, AGroupWithoutItsEndIsCut) {
  add(1, 0);
  end(1, 1);
  add(2, 0);
  for (std::uint64_t group = 3; group < 6; ++group) {
    add(group, 0);
    end(group, 1);
  }
  EXPECT_EQ(out_.back(), "2.0*");
  now_ += GroupSequencer::kPatience;
  sequencer_.tend(now_);
  EXPECT_EQ(out_.back(), "2.0*");
  now_ += std::chrono::milliseconds(1);
  sequencer_.tend(now_);  // nothing came of group 2 while whole ones waited
  EXPECT_EQ(out_.back(), "5.0*");
  add(2, 1);
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_cut = 1, .late = 1}));
}

TEST_F(GroupSequencerTest, AFirstGroupWithoutItsEndIsCutOnceEndsAreTold) {
  add(1, 0);
  add(2, 0);
  end(2, 1);
  now_ += GroupSequencer::kPatience + std::chrono::milliseconds(1);
  sequencer_.tend(now_);
  sequencer_.flush(true);
  EXPECT_EQ(out_, (std::vector<std::string>{"1.0*", "2.0*"}));
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_cut = 1}));
}

TEST_F(GroupSequencerTest, APublisherThatTellsNoEndsCutsNothing) {
  for (std::uint64_t group = 1; group < 30; ++group) add(group, 0);
  sequencer_.flush(true);
  EXPECT_EQ(out_.size(), 29u);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, AGroupThatALaterOneOvertakesIsWaitedFor) {
  add(1, 0);
  end(1, 1);
  add(3, 0);  // the packet in which group 2 begins was lost, and is sent again
  end(3, 1);
  now_ += GroupSequencer::kPatience;
  sequencer_.tend(now_);
  EXPECT_EQ(out_, (std::vector<std::string>{"1.0*"}));
  add(2, 0);
  end(2, 1);
  EXPECT_EQ(out_, (std::vector<std::string>{"1.0*", "2.0*", "3.0*"}));
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, TheEndOfTheTrackDoesNotHurryAnOvertakenGroup) {
  add(1, 0);
  end(1, 1);
  for (const std::uint64_t group : {4U, 3U, 2U}) {
    add(group, 0);
    end(group, 1);
  }
  sequencer_.flush(true);
  EXPECT_EQ(out_, (std::vector<std::string>{"1.0*", "2.0*", "3.0*", "4.0*"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, AFirstGroupThatIsOvertakenIsWaitedFor) {
  sequencer_.begin_with_track();
  EXPECT_FALSE(sequencer_.begins_at());
  add(8, 0);
  EXPECT_EQ(sequencer_.begins_at(), now_ + GroupSequencer::kBeginning);
  EXPECT_EQ(out_, std::vector<std::string>{});
  add(7, 0);
  now_ += GroupSequencer::kBeginning;
  sequencer_.tend(now_);
  EXPECT_FALSE(sequencer_.begins_at());
  end(7, 1);
  end(8, 1);
  EXPECT_EQ(out_, (std::vector<std::string>{"7.0*", "8.0*"}));
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, NothingIsBeforeGroupZero) {
  sequencer_.begin_with_track();
  add(0, 0);
  EXPECT_EQ(out_, (std::vector<std::string>{"0.0*"}));
}

TEST_F(GroupSequencerTest, ATrackThatEndsWhileItsBeginningWaitsIsWhole) {
  sequencer_.begin_with_track();
  add(8, 0);
  end(8, 1);
  sequencer_.flush(true);
  EXPECT_EQ(out_, (std::vector<std::string>{"8.0*"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(GroupSequencerTest, ManyGapsDoNotAddUpTheirWaits) {
  for (std::uint64_t group = 1; group < 20; group += 2) {
    add(group, 0);
    end(group, 1);
  }
  now_ += GroupSequencer::kPatience + std::chrono::milliseconds(1);
  sequencer_.tend(now_);
  EXPECT_EQ(out_.size(), 10u);
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_skipped = 9}));
}

TEST_F(GroupSequencerTest, GroupsWhoseEndsNobodyTellsDoNotAddUpTheirWaits) {
  for (std::uint64_t group = 1; group < 30; ++group) add(group, 0);
  now_ += GroupSequencer::kPatience + std::chrono::milliseconds(1);
  sequencer_.tend(now_);
  EXPECT_EQ(out_.size(), 29u);
}

TEST_F(GroupSequencerTest, SkippedGroupsAreCountedAndANewLifeIsNot) {
  add(1, 0);
  end(1, 1);
  add(4, 0);
  end(4, 1);
  now_ += GroupSequencer::kPatience + std::chrono::milliseconds(1);
  sequencer_.tend(now_);
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_skipped = 2}));
  add(1'700'000'000'000, 0);
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_skipped = 2}));
  sequencer_.flush(false);
  add(0, 0);  // published again, from the beginning
  EXPECT_EQ(out_.back(), "0.0*");
}

/// What is missing is asked for; the test plays who answers.
class RepairTest : public GroupSequencerTest {
 protected:
  using Range = GroupSequencer::Range;
  RepairTest() {
    sequencer_ = GroupSequencer(
        [this](const ReceivedObject& emitted, GroupSequencer::Emitted) {
          out_.push_back(std::to_string(emitted.location.group) + "." + std::to_string(emitted.location.object));
        },
        [this](const Range& missing) {
          asked_.push_back(missing);
          return answers_;
        });
  }
  void fetched(std::uint64_t group, std::uint64_t id) {
    sequencer_.fetched_until({group, id}, now_);
    add(group, id);
  }
  void wait_for_groups() {
    now_ += GroupSequencer::kPatience + std::chrono::milliseconds(1);
    sequencer_.tend(now_);
  }
  std::vector<Range> asked_;
  bool answers_ = true;
};

TEST_F(RepairTest, AGapIsAskedForAndFilled) {
  add(1, 0);
  add(1, 3);
  wait_for_gaps();
  EXPECT_EQ(asked_, (std::vector<Range>{{{1, 1}, {1, 3}}}));
  fetched(1, 1);
  fetched(1, 2);
  sequencer_.fetched_until({1, 3}, now_);
  sequencer_.fetch_over(now_);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0", "1.1", "1.2", "1.3"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(RepairTest, WhatIsNotToBeHadIsMissing) {
  add(1, 0);
  add(1, 3);
  wait_for_gaps();
  fetched(1, 1);
  sequencer_.fetch_over(now_);  // it was broken off
  wait_for_gaps();
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(taken(), (std::vector<std::string>{"1.0", "1.1", "1.3"}));
  EXPECT_EQ(sequencer_.losses(), (Losses{.objects = 1}));
}

TEST_F(RepairTest, GroupsThatWereLeftOutAreAskedForWithTheRestOfTheOneBefore) {
  add(0, 0);
  end(0, 1);
  add(1, 0);
  sequencer_.note_cut();
  add(4, 0);
  end(4, 1);
  wait_for_gaps();
  EXPECT_EQ(asked_, (std::vector<Range>{{{1, 1}, {4, 0}}}));
  wait_for_groups();  // nothing is given up while it is on its way
  fetched(1, 1);
  fetched(2, 0);
  fetched(3, 0);
  sequencer_.fetched_until({4, 0}, now_);
  sequencer_.fetch_over(now_);
  add(1, 1);  // the subscription's own comes late
  EXPECT_EQ(taken(), (std::vector<std::string>{"0.0", "1.0", "1.1", "2.0", "3.0", "4.0"}));
  sequencer_.flush(true);
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

TEST_F(RepairTest, WhoIsRefusedCountsWhatIsMissing) {
  answers_ = false;
  add(0, 0);
  end(0, 1);
  add(3, 0);
  wait_for_groups();
  EXPECT_EQ(asked_, (std::vector<Range>{{{1, 0}, {3, 0}}}));
  EXPECT_EQ(sequencer_.losses(), (Losses{.groups_skipped = 2}));
}

TEST_F(RepairTest, TheEndOfTheTrackIsAskedForWhereItMayBeMissing) {
  add(0, 0);
  end(0, 1);
  EXPECT_FALSE(sequencer_.ask_for_the_rest(false));
  EXPECT_TRUE(sequencer_.ask_for_the_rest(true));
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].first, (moqt::Location{1, 0}));
  fetched(1, 0);
  sequencer_.fetched_until({2, 0}, now_);
  sequencer_.fetch_over(now_);
  EXPECT_FALSE(sequencer_.ask_for_the_rest(true));
  sequencer_.flush(true);
  EXPECT_EQ(taken(), (std::vector<std::string>{"0.0", "1.0"}));
  EXPECT_EQ(sequencer_.losses(), Losses{});
}

}  // namespace
}  // namespace msquic_py::apps

// What a publisher says of the parts of a FETCH that it does not keep (draft-18 section 11.4.4.2, draft-22
// sections 3.2.2 and 11.4.1.2). Bytes are written from these texts.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint_pair.h"
#include "harness/raw_peer.h"

namespace msquic_py::moqt::pubsub {
namespace {

using testing::hex;
using testing::shared;

/// A publisher of the track (a) t that keeps two groups, and a subscriber that is nothing but bytes.
class FetchGaps : public ::testing::Test {
 protected:
  explicit FetchGaps(Draft draft = Draft::k22) : session_(draft, server()), endpoint_(session_) {
    session_.start(now_);
    session_.on_uni_stream_data(now_, 2, base::SharedBytes::copy_of(hex("af00 0000")), false);
    TrackOptions options;
    options.retention.groups = 2;
    writer_ = *endpoint_.add_track({TrackNamespace{"a"}, "t"}, options);
    drain();
  }
  /// Objects of these IDs; `ended`: the last one is the last of the group.
  void group(std::uint64_t number, const std::vector<std::uint64_t>& objects, bool ended = true) {
    GroupOptions options;
    options.end_of_group = ended;
    const auto group = *writer_->begin_group(number, options);
    for (const std::uint64_t object : objects) ASSERT_TRUE(group->write(shared("x"), {}, object).ok());
    group->finish();
    drain();
  }
  /// What the stream brings that answers this FETCH, FETCH_HEADER included.
  base::ByteVector fetch(std::string_view message) {
    ask(message);
    EXPECT_TRUE(fin_);
    return stream_;
  }
  void ask(std::string_view message) {
    stream_.clear();
    session_.on_request_data(now_, {next_}, hex(message), false);
    next_ += 4;
    drain();
  }
  void drain() {
    for (bool any = true; any;) {
      any = false;
      endpoint_.drain_session(now_);
      session::Action action;
      while (session_.poll_action(now_, action)) {
        any = true;
        if (const auto* data = std::get_if<session::SendStream>(&action)) {
          for (const auto& slice : data->slices)
            stream_.insert(stream_.end(), slice.data(), slice.data() + slice.size());
          session_.on_stream_bytes_sent(data->stream, data->slices.bytes());
          fin_ = data->fin;
        } else if (const auto* said = std::get_if<session::SendRequest>(&action)) {
          said_.insert(said_.end(), said->bytes.data(), said->bytes.data() + said->bytes.size());
        }
        EXPECT_FALSE(std::holds_alternative<session::ResetStream>(action));
      }
    }
  }
  static session::SessionConfig server() {
    session::SessionConfig config;
    config.perspective = Perspective::kServer;
    config.implementation.clear();
    return config;
  }

  session::Time now_{std::chrono::hours(1)};
  session::Session session_;
  Endpoint endpoint_;
  std::shared_ptr<TrackWriter> writer_;
  base::ByteVector stream_, said_;
  std::uint64_t next_ = 0;
  bool fin_ = false;
};

TEST_F(FetchGaps, WhatIsNotKeptIsUnknown) {
  for (std::uint64_t number = 0; number < 4; ++number) group(number, {0, 1});
  said_.clear();
  // FETCH of everything; header 05 00. End of Unknown Range (0x10c = 810c): up to the last place of group 1, then
  // objects of groups 2 and 3: flags 1c: priority, group and object IDs as deltas.
  const base::ByteVector sent = fetch("16 0007 00 01 0161 01 74 00");
  EXPECT_EQ(said_, hex("18 0004 00 03 01 00")) << "FETCH_OK: the track has not ended, {3, 1} is its last object";
  const base::ByteVector begins = hex("05 00 810c 01 ffffffffffffffffff");
  ASSERT_GT(sent.size(), begins.size());
  EXPECT_TRUE(std::equal(begins.begin(), begins.end(), sent.begin()));
  EXPECT_EQ(std::count(sent.begin(), sent.end(), std::uint8_t{'x'}), 4);
}

TEST_F(FetchGaps, OfWhatIsKeptNothingIsSaid) {
  group(0, {0, 5});
  const base::ByteVector sent = fetch("16 0007 00 01 0161 01 74 00");
  EXPECT_EQ(std::count(sent.begin(), sent.end(), std::uint8_t{0x81}), 0) << "what does not come does not exist";
  EXPECT_EQ(std::count(sent.begin(), sent.end(), std::uint8_t{'x'}), 2);
}

// Nothing of {0, 0} to {0, 3} is kept: LOCATION_FILTER 0x21, type 4. REQUEST_ERROR 5, INTERNAL_ERROR 0, not to be asked
// again (0).
TEST_F(FetchGaps, OfWhichNothingIsKeptIsRefused) {
  for (std::uint64_t number = 0; number < 4; ++number) group(number, {0});
  said_.clear();
  ask("16 000d 00 01 0161 01 74 01 21 04 00 00 00 03");
  EXPECT_TRUE(stream_.empty());
  ASSERT_GT(said_.size(), 5u);
  EXPECT_EQ(said_[0], 0x05);
  EXPECT_EQ(base::ByteVector(said_.begin() + 3, said_.begin() + 5), hex("00 00"));
}

// What never was is told from what is not kept: End of Non-Existent Range (0x8c = 808c) between the two, as otherwise
// the next End of Unknown Range would take it in.
TEST_F(FetchGaps, WhatNeverWasIsToldApart) {
  for (const std::uint64_t number : {0, 5, 6, 7}) group(number, {0});
  const base::ByteVector sent = fetch("16 0007 00 01 0161 01 74 00");
  const base::ByteVector begins =
      hex("05 00 | 810c 00 ffffffffffffffffff | 808c 04 ffffffffffffffffff | 810c 05 ffffffffffffffffff | 1c 00 00 80 "
          "01 78");
  ASSERT_GE(sent.size(), begins.size());
  EXPECT_EQ(base::ByteVector(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(begins.size())), begins);
}

// The same downwards: 7 and 6 are kept, 5 is not, 4 to 1 never were.
TEST_F(FetchGaps, WhatNeverWasIsToldApartInDescendingOrder) {
  for (const std::uint64_t number : {0, 5, 6, 7}) group(number, {0});
  const base::ByteVector sent = fetch("16 0009 00 01 0161 01 74 01 22 02");  // GROUP_ORDER descending
  const base::ByteVector ends =
      hex("810c 05 ffffffffffffffffff | 808c 01 ffffffffffffffffff | 810c 00 ffffffffffffffffff");
  ASSERT_GE(sent.size(), ends.size());
  EXPECT_EQ(base::ByteVector(sent.end() - static_cast<std::ptrdiff_t>(ends.size()), sent.end()), ends);
}

/// The same, of which both ends are sessions.
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

/// A track of four groups of which two are kept, and what a FETCH reader is told of it.
class FetchOfWhatIsKept : public ::testing::TestWithParam<Draft> {
 protected:
  void SetUp() override {
    TrackOptions options;
    options.retention.groups = 2;
    writer_ = *publisher_.add_track({TrackNamespace{"a"}, "t"}, options);
    sessions_.establish();
    for (std::uint64_t number = 0; number < 4; ++number) {
      const auto group = *writer_->begin_group(number);
      ASSERT_TRUE(group->write(testing::shared("x")).ok());
      group->finish();
    }
  }
  std::shared_ptr<FetchReader> fetch(Location end, GroupOrder order = GroupOrder::kAscending) {
    MessageParameters parameters;
    parameters.set_group_order(order);
    const auto reader = *subscriber_.fetch({TrackNamespace{"a"}, "t"}, {0, 0}, end, std::move(parameters));
    for (int turns = 0; turns < 4; ++turns) {
      sessions_.run();
      publisher_.drain_session(sessions_.now);
      subscriber_.drain_session(sessions_.now);
    }
    return reader;
  }
  static std::vector<Location> objects(FetchReader& reader) {
    std::vector<Location> found;
    for (ReceivedObject object; reader.read(object);) found.push_back(object.location);
    return found;
  }

  testing::SessionPair sessions_{1, {}, {}, /*collect_events=*/false, GetParam()};
  Endpoint publisher_{sessions_.server.session};
  Endpoint subscriber_{sessions_.client.session};
  std::shared_ptr<TrackWriter> writer_;
};
INSTANTIATE_TEST_SUITE_P(Drafts, FetchOfWhatIsKept, ::testing::Values(Draft::k15, Draft::k16, Draft::k18, Draft::k22));

TEST_P(FetchOfWhatIsKept, TheRestIsAGap) {
  for (const GroupOrder order : {GroupOrder::kAscending, GroupOrder::kDescending}) {
    const auto reader = fetch({4, 0}, order);
    ASSERT_TRUE(reader->end());
    if (GetParam() == Draft::k15) {  // [d15 §9.16.3-5]
      EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kRejected);
      EXPECT_EQ(reader->end()->code, static_cast<std::uint64_t>(RequestErrorCode::kUnknownStatusInRange));
      continue;
    }
    EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kGaps);
    EXPECT_EQ(reader->end()->code, static_cast<std::uint64_t>(StreamResetCode::kUnknownObjectStatus));
    const bool up = order == GroupOrder::kAscending;
    EXPECT_EQ(objects(*reader), (up ? std::vector<Location>{{2, 0}, {3, 0}} : std::vector<Location>{{3, 0}, {2, 0}}));
    std::vector<std::uint64_t> groups;
    while (const auto gap = reader->take_gap()) {
      groups.push_back(gap->last.group);
      EXPECT_GE(gap->last.object, (std::uint64_t{1} << 62) - 1);
      EXPECT_EQ(gap->objects_before, up ? 0u : 2u);
      EXPECT_FALSE(gap->timed_out);
    }
    EXPECT_EQ(groups, up ? std::vector<std::uint64_t>{1} : (std::vector<std::uint64_t>{1, 0}));
  }
}

TEST_P(FetchOfWhatIsKept, IsRefusedWhereThatIsNothing) {
  const auto reader = fetch({1, 0});
  ASSERT_TRUE(reader->end());
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kRejected);
  const RequestErrorCode code =
      GetParam() == Draft::k15 ? RequestErrorCode::kUnknownStatusInRange : RequestErrorCode::kInternalError;
  EXPECT_EQ(reader->end()->code, static_cast<std::uint64_t>(code));
}

TEST_P(FetchOfWhatIsKept, IsAllOfItWhereTheRestIsNotAskedFor) {
  const auto reader = *subscriber_.fetch({TrackNamespace{"a"}, "t"}, {2, 0}, {3, 0}, {});
  (void)fetch({1, 0});
  ASSERT_TRUE(reader->end());
  EXPECT_EQ(reader->end()->cause, FetchEnd::Cause::kFinished);
  EXPECT_FALSE(reader->next_gap());
}

}  // namespace
}  // namespace msquic_py::moqt::pubsub

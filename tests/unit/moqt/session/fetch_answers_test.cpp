// FETCH from the side that answers (sections 5.2, 7.2, 9.16 to 9.18, 10.4.4).

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "harness/raw_peer.h"

namespace msquic_py::testing::fetch_answers {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::FullTrackName;
using moqt::GroupOrder;
using moqt::Location;
using moqt::MessageParameters;
using moqt::ObjectStatus;
using moqt::Perspective;
using moqt::RequestErrorCode;
using moqt::SessionErrorCode;
using moqt::StreamResetCode;
using moqt::TrackNamespace;

const FullTrackName kTrack(TrackNamespace{"a"}, "t");
constexpr std::string_view kFetch = "16 000c 00 01 01 0161 01 74 03 00 05 00 00";  // {3, 0} to the end of group 5

base::SharedBytes bytes(std::string_view text) { return base::SharedBytes::copy_of(base::as_bytes(text)); }

/// A server that is asked with one FETCH.
struct Asked {
  explicit Asked(std::string_view message = kFetch, SessionConfig config = {})
      : peer(RawPeer::established(Perspective::kServer, std::move(config))) {
    peer.control(message);
    const auto received = peer.all<FetchReceived>();
    EXPECT_EQ(received.size(), 1u);
    if (!received.empty()) event = received[0];
  }
  Session& session() { return peer.session; }
  StreamHandle open() {
    const auto opened = session().open_fetch(event.request);
    EXPECT_TRUE(opened.ok());
    return opened.ok() ? *opened : StreamHandle{};
  }
  [[nodiscard]] SessionResult<void> accept(Location end = {5, 0}) {
    return session().accept_fetch(event.request, {.end_of_track = false, .end = end});
  }
  RawPeer peer;
  FetchReceived event;
};

FetchObject object(Location location, std::string_view payload = "x") {
  FetchObject result;
  result.location = location;
  result.payload = bytes(payload);
  result.payload_length = payload.size();
  return result;
}

TEST(FetchAnswers, SaysWhatIsWanted) {
  const Asked plain;
  EXPECT_EQ(plain.event.track, kTrack);
  EXPECT_EQ(plain.event.range, (moqt::FetchRange{{3, 0}, {5, 0}}));
  EXPECT_EQ(plain.event.group_order, GroupOrder::kAscending);
  EXPECT_EQ(plain.event.subscriber_priority, 128);
  EXPECT_FALSE(plain.event.joined);
  const Asked wished("16 0010 00 01 01 0161 01 74 03 01 03 02 02 20 05 22 02");
  EXPECT_EQ(wished.event.range, (moqt::FetchRange{{3, 1}, {3, 2}}));
  EXPECT_EQ(wished.event.group_order, GroupOrder::kDescending);
  EXPECT_EQ(wished.event.subscriber_priority, 5);
}

// [d15 §9.16.3-2]
TEST(FetchAnswers, EmptyRangeIsRefused) {
  for (const char* fetch :
       {"16 000c 00 01 01 0161 01 74 05 00 04 00 00", "16 000c 00 01 01 0161 01 74 03 05 03 05 00"}) {
    auto peer = RawPeer::established(Perspective::kServer);
    peer.control(fetch);
    EXPECT_TRUE(peer.events.empty());
    ASSERT_GE(peer.sent_control.size(), 5u);
    EXPECT_EQ(peer.sent_control[0], 0x05) << "REQUEST_ERROR";
    EXPECT_EQ(peer.sent_control[4], 0x11) << "INVALID_RANGE";
    EXPECT_EQ(peer.session.open_requests(), 0u);
    EXPECT_FALSE(peer.closed);
  }
}

// [d15 §5.2-1]
TEST(FetchAnswers, FetchOk) {
  Asked asked;
  EXPECT_EQ(asked.accept({2, 0}).error(), SessionError::kEmptyRange);
  EXPECT_EQ(asked.accept({6, 0}).error(), SessionError::kOutOfRange);
  EXPECT_EQ(asked.session().accept(asked.event.request).error(), SessionError::kWrongRole);
  asked.peer.drain();
  EXPECT_TRUE(asked.peer.sent_control.empty());
  MessageParameters parameters;
  parameters.set_max_cache_duration(10);
  ASSERT_TRUE(asked.session()
                  .accept_fetch(asked.event.request, {.end_of_track = true, .end = {4, 8}}, std::move(parameters))
                  .ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_control, hex("18 0007 00 01 04 08 01 04 0a"));
  EXPECT_EQ(asked.accept().error(), SessionError::kWrongState);
  EXPECT_EQ(asked.session().reject(asked.event.request, RequestErrorCode::kInternalError).error(),
            SessionError::kWrongState);
}

TEST(FetchAnswers, EndOfAnAnswer) {
  const moqt::FetchRange range{{3, 0}, {5, 4}};
  EXPECT_EQ(range.answered_end({4, 7}, false), (Location{4, 8})) << "not so far yet";
  EXPECT_EQ(range.answered_end({4, 7}, true), (Location{4, 8}));
  EXPECT_EQ(range.answered_end({5, 3}, false), (Location{5, 4}));
  EXPECT_EQ(range.answered_end({9, 0}, false), (Location{5, 4}));
  const moqt::FetchRange whole{{3, 0}, {5, 0}};
  EXPECT_EQ(whole.answered_end({5, 3}, false), (Location{5, 4})) << "group 5 goes on";
  EXPECT_EQ(whole.answered_end({5, 3}, true), (Location{5, 0}));
  EXPECT_EQ(whole.answered_end({6, 0}, false), (Location{5, 0}));
}

TEST(FetchAnswers, ObjectsSayOnlyWhatIsNew) {
  Asked asked;
  const StreamHandle stream = asked.open();
  FetchObject first = object({3, 2}, "ab");
  first.subgroup = 7;
  first.publisher_priority = 0x81;
  FetchObject second = object({3, 3}, "c");
  second.subgroup = 7;
  second.publisher_priority = 0x81;
  second.extensions = base::SharedBytes::copy_of(hex("0205"));
  FetchObject third;
  third.location = {3, 9};
  third.subgroup = 8;
  third.publisher_priority = 0x81;
  third.status = ObjectStatus::kEndOfGroup;
  FetchObject fourth = object({5, 0}, "");
  for (const FetchObject& each : {first, second, third, fourth})
    ASSERT_TRUE(asked.session().append_fetch_object(stream, each).ok());
  ASSERT_TRUE(asked.session().finish_stream(stream).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream,
            hex("05 00 | 1f 03 07 02 81 02 6162 | 21 02 0205 01 63 | 06 09 00 03 | 1c 05 00 80 00 00"));
  EXPECT_TRUE(asked.peer.fin_sent);
  EXPECT_EQ(asked.session().open_requests(), 1u) << "it still needs its FETCH_OK";
  ASSERT_TRUE(asked.accept().ok());
  EXPECT_EQ(asked.session().open_requests(), 0u);
}

// [d15 §9.16.3-7]
TEST(FetchAnswers, WithoutObjectsAreHeaderAndFin) {
  Asked asked;
  ASSERT_TRUE(asked.accept().ok());
  const StreamHandle stream = asked.open();
  asked.peer.drain();
  EXPECT_TRUE(asked.peer.sent_stream.empty());
  ASSERT_TRUE(asked.session().finish_stream(stream).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream, hex("05 00"));
  EXPECT_TRUE(asked.peer.fin_sent);
  EXPECT_EQ(asked.session().open_requests(), 0u);
}

TEST(FetchAnswers, PayloadComesInPieces) {
  Asked asked;
  const StreamHandle stream = asked.open();
  FetchObject begun = object({3, 0}, "a");
  begun.payload_length = 3;
  ASSERT_TRUE(asked.session().append_fetch_object(stream, begun).ok());
  EXPECT_EQ(asked.session().append_fetch_object(stream, object({3, 1})).error(), SessionError::kWrongState);
  EXPECT_EQ(asked.session().finish_stream(stream).error(), SessionError::kWrongState);
  EXPECT_EQ(asked.session().append_payload(stream, bytes("bcd")).error(), SessionError::kTooLarge);
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream, hex("05 00 | 1c 03 00 80 03 61"));
  ASSERT_TRUE(asked.session().append_payload(stream, bytes("bc")).ok());
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 1})).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream, hex("05 00 | 1c 03 00 80 03 616263 | 00 01 78"));
}

// [d15 §9.16.3-4]
TEST(FetchAnswers, ObjectsKeepRangeAndOrder) {
  Asked asked;
  const StreamHandle stream = asked.open();
  const auto error = [&](Location location) {
    return asked.session().append_fetch_object(stream, object(location)).error();
  };
  EXPECT_EQ(error({2, 9}), SessionError::kOutOfRange);
  EXPECT_EQ(error({6, 0}), SessionError::kOutOfRange);
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({4, 3})).ok());
  EXPECT_EQ(error({4, 3}), SessionError::kObjectOutOfOrder);
  EXPECT_EQ(error({4, 2}), SessionError::kObjectOutOfOrder);
  EXPECT_EQ(error({3, 9}), SessionError::kObjectOutOfOrder);
  FetchObject both = object({4, 5});
  both.status = ObjectStatus::kEndOfGroup;
  EXPECT_EQ(asked.session().append_fetch_object(stream, both).error(), SessionError::kInvalidParameter);
  FetchObject long_piece = object({4, 5}, "ab");
  long_piece.payload_length = 1;
  EXPECT_EQ(asked.session().append_fetch_object(stream, long_piece).error(), SessionError::kTooLarge);
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({5, 0})).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream, hex("05 00 | 1c 04 03 80 01 78 | 0c 05 00 01 78"))
      << "what was refused left nothing";

  Asked descending("16 000e 00 01 01 0161 01 74 03 00 05 00 01 22 02");
  const StreamHandle other = descending.open();
  ASSERT_TRUE(descending.session().append_fetch_object(other, object({4, 3})).ok());
  EXPECT_EQ(descending.session().append_fetch_object(other, object({5, 0})).error(), SessionError::kObjectOutOfOrder);
  ASSERT_TRUE(descending.session().append_fetch_object(other, object({4, 4})).ok()) << "objects rise all the same";
  ASSERT_TRUE(descending.session().append_fetch_object(other, object({3, 0})).ok());
}

TEST(FetchAnswers, StreamsAreForTheirKindOfObject) {
  Asked asked;
  const StreamHandle stream = asked.open();
  EXPECT_EQ(asked.session().append_object(stream, 0, base::SharedBytes::copy_of(hex("00 01 61")), 1).error(),
            SessionError::kWrongRole);
  EXPECT_EQ(asked.session().open_fetch(asked.event.request).error(), SessionError::kDuplicate);
  EXPECT_EQ(asked.session().open_subgroup({99}, {}).error(), SessionError::kUnknownRequest);
  asked.peer.control("03 0007 02 01 0161 01 74 00");
  const RequestHandle subscription = asked.peer.all<SubscribeReceived>().at(0).request;
  ASSERT_TRUE(asked.session().accept(subscription).ok());
  EXPECT_EQ(asked.session().open_fetch(subscription).error(), SessionError::kWrongRole);
  const auto subgroup = asked.session().open_subgroup(subscription, {});
  ASSERT_TRUE(subgroup.ok());
  EXPECT_EQ(asked.session().append_fetch_object(*subgroup, object({3, 0})).error(), SessionError::kWrongRole);
}

// ---- the end of it ----

TEST(FetchAnswers, RejectionResetsTheStream) {
  Asked asked;
  const StreamHandle stream = asked.open();
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
  asked.peer.drain();
  ASSERT_TRUE(asked.session().reject(asked.event.request, RequestErrorCode::kUnknownStatusInRange).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_control, hex("05 0003 00 33 00"));
  ASSERT_EQ(asked.peer.resets.size(), 1u);
  EXPECT_EQ(asked.peer.resets[0].code, static_cast<std::uint64_t>(StreamResetCode::kCancelled));
  EXPECT_EQ(asked.session().open_requests(), 0u);
  EXPECT_EQ(asked.session().append_fetch_object(stream, object({3, 1})).error(), SessionError::kUnknownStream);
}

TEST(FetchAnswers, ResettingTheStreamEndsAnAcceptedFetch) {
  Asked asked;
  const StreamHandle stream = asked.open();
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
  asked.peer.drain();
  ASSERT_TRUE(asked.session().reset_stream(stream, StreamResetCode::kInternalError).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.session().open_requests(), 1u);
  EXPECT_EQ(asked.session().open_fetch(asked.event.request).error(), SessionError::kDuplicate) << "it has had its one";
  ASSERT_TRUE(asked.accept().ok());
  EXPECT_EQ(asked.session().open_requests(), 0u);
  EXPECT_EQ(asked.peer.resets.size(), 1u);
  EXPECT_TRUE(asked.peer.all<FetchCancelled>().empty());
}

// The peer knows from the header alone which fetch a stream belongs to: one that is reset before it is sent says
// nothing.
TEST(FetchAnswers, ResettingAnUnusedStreamTellsFirstWhoseItIs) {
  Asked asked;
  ASSERT_TRUE(asked.accept().ok());
  const StreamHandle stream = asked.open();
  ASSERT_TRUE(asked.session().reset_stream(stream, StreamResetCode::kInternalError).ok());
  EXPECT_FALSE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
  asked.peer.drain();
  EXPECT_EQ(asked.peer.sent_stream, hex("05 00")) << "FETCH_HEADER with the Request ID";
  asked.peer.drain();
  ASSERT_EQ(asked.peer.resets.size(), 1u);
  EXPECT_EQ(asked.peer.resets[0].code, 0u);
  EXPECT_FALSE(asked.peer.fin_sent);
  EXPECT_EQ(asked.session().open_requests(), 0u);
}

// [d15 §5.2-1, §5.2-3, §9.18-1]
TEST(FetchAnswers, CancelledInEveryState) {
  for (const bool accepted : {false, true}) {
    for (const int progress : {0, 1, 2, 3}) {  // no stream, an unused one, one with an object, a finished one
      SCOPED_TRACE(std::to_string(accepted) + std::to_string(progress));
      Asked asked;
      if (accepted) {
        ASSERT_TRUE(asked.accept().ok());
      }
      StreamHandle stream;
      if (progress > 0) stream = asked.open();
      if (progress > 1) {
        ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
      }
      asked.peer.drain();
      if (progress > 2) {
        ASSERT_TRUE(asked.session().finish_stream(stream).ok());
      }
      asked.peer.sent_control.clear();
      asked.peer.control("17 0001 00");
      EXPECT_FALSE(asked.peer.closed);
      EXPECT_EQ(asked.session().open_requests(), 0u);
      const auto cancelled = asked.peer.all<FetchCancelled>();
      ASSERT_EQ(cancelled.size(), 1u);
      EXPECT_EQ(cancelled[0].request, asked.event.request);
      EXPECT_EQ(cancelled[0].cause, FetchCancelled::Cause::kFetchCancel);
      EXPECT_EQ(asked.peer.sent_control, accepted ? base::ByteVector{} : hex("05 000c 00 00 09 63616e63656c6c6564"))
          << "every FETCH gets one answer";
      EXPECT_EQ(asked.peer.resets.size(), progress > 1 ? 1u : 0u);
      asked.peer.control("17 0001 00");
      EXPECT_FALSE(asked.peer.closed) << "it is forgotten";
    }
  }
}

// [d15 §5.2-3]
TEST(FetchAnswers, FetchCancelAfterTheEndIsIgnored) {
  Asked asked;
  ASSERT_TRUE(asked.accept().ok());
  ASSERT_TRUE(asked.session().finish_stream(asked.open()).ok());
  asked.peer.drain();
  asked.peer.control("17 0001 00");
  EXPECT_FALSE(asked.peer.closed);
  EXPECT_TRUE(asked.peer.all<FetchCancelled>().empty());
}

TEST(FetchAnswers, StopSendingCancels) {
  Asked asked;
  const StreamHandle stream = asked.open();
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
  asked.peer.drain();
  asked.session().on_stop_sending(asked.peer.now, stream, 0x1);
  asked.peer.drain();
  const auto cancelled = asked.peer.all<FetchCancelled>();
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].cause, FetchCancelled::Cause::kStopSending);
  EXPECT_TRUE(asked.peer.all<OutgoingStreamStopped>().empty());
  EXPECT_EQ(asked.peer.resets.size(), 1u);
  EXPECT_EQ(asked.session().open_requests(), 0u);
  asked.peer.control("17 0001 00");
  EXPECT_FALSE(asked.peer.closed) << "FETCH_CANCEL comes with it (section 5.2)";
}

// ---- limits ----

// [d15 §12.1-2]
TEST(FetchAnswers, SoManyAtOnce) {
  SessionConfig config;
  config.limits.max_fetches = 1;
  Asked asked(kFetch, config);
  asked.peer.control("16 000c 02 01 01 0161 01 74 03 00 05 00 00");
  ASSERT_GE(asked.peer.sent_control.size(), 5u);
  EXPECT_EQ(asked.peer.sent_control[0], 0x05) << "REQUEST_ERROR";
  EXPECT_EQ(asked.peer.sent_control[3], 0x02);
  EXPECT_EQ(asked.peer.all<FetchReceived>().size(), 1u);
  asked.peer.control("17 0001 00");
  asked.peer.control("16 000c 04 01 01 0161 01 74 03 00 05 00 00");
  EXPECT_EQ(asked.peer.all<FetchReceived>().size(), 2u);
}

TEST(FetchAnswers, AStreamTooManyCancelsTheLeastUrgentFetch) {
  SessionConfig config;
  config.limits.max_outgoing_streams = 1;
  Asked asked("16 000e 00 01 01 0161 01 74 03 00 05 00 01 20 3f", config);  // subscriber priority 63
  const StreamHandle stream = asked.open();
  ASSERT_TRUE(asked.session().append_fetch_object(stream, object({3, 0})).ok());
  asked.peer.drain();
  asked.peer.control("16 000e 02 01 01 0161 01 74 03 00 05 00 01 20 02");
  const auto urgent = asked.session().open_fetch(asked.peer.all<FetchReceived>().at(1).request);
  ASSERT_TRUE(urgent.ok());
  asked.peer.drain();
  auto cancelled = asked.peer.all<FetchCancelled>();
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].request, asked.event.request);
  EXPECT_EQ(cancelled[0].cause, FetchCancelled::Cause::kNoRoom);
  EXPECT_EQ(asked.peer.resets.size(), 1u);

  asked.peer.control("16 000e 04 01 01 0161 01 74 03 00 05 00 01 20 3f");
  const auto late = asked.session().open_fetch(asked.peer.all<FetchReceived>().at(2).request);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error(), SessionError::kTooManyStreams);
  asked.peer.drain();
  cancelled = asked.peer.all<FetchCancelled>();
  ASSERT_EQ(cancelled.size(), 2u);
  EXPECT_EQ(cancelled[1].request, asked.peer.all<FetchReceived>().at(2).request);
  EXPECT_EQ(asked.session().open_requests(), 1u);
}

}  // namespace
}  // namespace msquic_py::testing::fetch_answers

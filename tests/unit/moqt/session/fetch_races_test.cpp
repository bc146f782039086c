// Fetches that are answered, rejected, reset and cancelled at random, with objects ahead of and behind their answers.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "harness/session_pair.h"

namespace msquic_py::testing::fetch_races {
namespace {

using namespace moqt::session;  // NOLINT(google-build-using-namespace): the events under test
using moqt::Location;

/// What the server knows of one FETCH.
struct Served {
  RequestHandle request;
  StreamHandle stream;
  std::uint64_t next = 0;
  std::uint64_t missing = 0;  ///< of the payload of the latest object
  bool answered = false;
  bool closed = false;

  [[nodiscard]] bool over() const { return answered && closed; }
};

class FetchRaces : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override { pair.establish(); }
  Session& server() { return pair.server.session; }
  std::uint64_t any(std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_); }

  void ask() {
    const auto fetch = pair.client.session.fetch({moqt::TrackNamespace{"a"}, "t"}, {0, 0}, {1, 0});
    ASSERT_TRUE(fetch.ok());
    asked.push_back(*fetch);
  }
  void cancel() {
    if (asked.empty()) return;
    const RequestHandle fetch = asked[any(asked.size())];
    if (pair.client.session.cancel(fetch).ok()) {
      const auto [place, first] = cancelled.emplace(fetch, pair.client.events.size());
      EXPECT_TRUE(first);
    }
  }
  void take() {
    for (; seen < pair.server.events.size(); ++seen) {
      const Event& event = pair.server.events[seen];
      if (const auto* received = std::get_if<FetchReceived>(&event)) {
        serving.emplace_back();
        serving.back().request = received->request;
      }
      if (const auto* gone = std::get_if<FetchCancelled>(&event)) {
        EXPECT_TRUE(gone_fetches.insert(gone->request).second);
        std::erase_if(serving, [&](const Served& each) { return each.request == gone->request; });
      }
    }
  }
  /// One step in the life of a fetch, at its publisher.
  void serve(Served& its) {
    switch (any(6)) {
      case 0:
        if (!its.answered)
          its.answered = server().accept_fetch(its.request, {.end_of_track = false, .end = {1, 0}}).ok();
        break;
      case 1:
        if (!its.answered && any(4) == 0) {
          EXPECT_TRUE(server().reject(its.request, moqt::RequestErrorCode::kDoesNotExist).ok());
          its.answered = its.closed = true;
        }
        break;
      case 2:
        if (its.stream && !its.closed && its.missing == 0 && any(3) == 0) {
          EXPECT_TRUE(server().finish_stream(its.stream).ok());
          its.closed = true;
        }
        break;
      case 3:
        if (its.stream && !its.closed && any(8) == 0) {
          EXPECT_TRUE(server().reset_stream(its.stream, moqt::StreamResetCode::kInternalError).ok());
          its.closed = true;
        }
        break;
      default: append(its);
    }
  }
  void append(Served& its) {
    if (its.closed) return;
    if (!its.stream) its.stream = *server().open_fetch(its.request);
    if (its.missing > 0) {
      const auto piece = base::SharedBytes::copy_of(base::ByteVector(any(its.missing) + 1, 0x61));
      EXPECT_TRUE(server().append_payload(its.stream, piece).ok());
      its.missing -= piece.size();
      return;
    }
    FetchObject object;
    object.location = {0, its.next};
    object.subgroup = any(3);
    object.publisher_priority = static_cast<std::uint8_t>(any(3));
    object.payload_length = any(3000);
    object.payload = base::SharedBytes::copy_of(base::ByteVector(any(object.payload_length + 1), 0x61));
    EXPECT_TRUE(server().append_fetch_object(its.stream, object).ok());
    its.next += any(3) + 1;
    its.missing = object.payload_length - object.payload.size();
  }

  SessionPair pair{GetParam()};
  std::vector<RequestHandle> asked;
  std::map<RequestHandle, std::size_t> cancelled;  ///< and how many events there were then
  std::vector<Served> serving;
  std::set<RequestHandle> gone_fetches;
  std::size_t seen = 0;

 private:
  std::mt19937 random_{GetParam()};
};

TEST_P(FetchRaces, EndExactlyOnce) {
  for (int step = 0; step < 600; ++step) {
    if (asked.size() < 30 && any(6) == 0) ask();
    if (any(25) == 0) cancel();
    if (!serving.empty()) serve(serving[any(serving.size())]);
    std::erase_if(serving, [](const Served& each) { return each.over(); });
    pair.server.hold_data = any(3) == 0;
    if (any(3) == 0) pair.run();
    take();
  }
  pair.server.hold_data = false;
  pair.run();
  take();
  for (Served& each : serving) {
    while (each.missing > 0) append(each);
    if (!each.answered) {
      ASSERT_TRUE(server().accept_fetch(each.request, {.end_of_track = false, .end = {1, 0}}).ok());
    }
    if (each.closed) continue;
    if (!each.stream) each.stream = *server().open_fetch(each.request);
    ASSERT_TRUE(server().finish_stream(each.stream).ok());
  }
  pair.advance(std::chrono::seconds(61));  // streams that were reset before anything of them came are waited for
  EXPECT_FALSE(pair.client.closed || pair.server.closed);
  EXPECT_EQ(pair.client.session.open_requests(), 0u);
  EXPECT_EQ(server().open_requests(), 0u);

  std::map<RequestHandle, std::size_t> ends;
  for (std::size_t i = 0; i < pair.client.events.size(); ++i) {
    const Event& event = pair.client.events[i];
    RequestHandle of;
    bool end = true;
    if (const auto* ended = std::get_if<FetchEnded>(&event)) of = ended->fetch;
    if (const auto* rejected = std::get_if<RequestRejected>(&event)) of = rejected->request;
    if (const auto* object = std::get_if<FetchObjectReceived>(&event)) of = object->fetch, end = false;
    if (!of) continue;
    EXPECT_EQ(ends[of], 0u) << "an event after the last one";
    if (end) ++ends[of];
    const auto gone = cancelled.find(of);
    EXPECT_TRUE(gone == cancelled.end() || i < gone->second) << "an event after cancel()";
  }
  for (const RequestHandle fetch : asked) EXPECT_EQ(ends[fetch], cancelled.contains(fetch) ? 0u : 1u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FetchRaces, ::testing::Range(1u, 61u));

}  // namespace
}  // namespace msquic_py::testing::fetch_races

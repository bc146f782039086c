// A session whose application reads slowly, over real MsQuic: flow control holds the publisher up, and nothing is lost.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

#include "base/ledger/memory_limits.h"
#include "unit/runtime/relay_server_fixture.h"

namespace msquic_py::runtime::testing {
namespace {

constexpr std::size_t kObjects = 2000;
constexpr std::size_t kSize = 20'000;

/// Answers one FETCH with kObjects objects.
class Archive final : public SessionUser, public session::StreamFeeder {
 public:
  bool on_events(SessionDriver& driver, EventLoop::Time) override {
    bool any = false;
    session::Event event;
    while (driver.session().poll_event(event)) {
      any = true;
      if (const auto* asked = std::get_if<session::FetchReceived>(&event)) begin(driver.session(), asked->request);
      if (const auto* status = std::get_if<session::TrackStatusReceived>(&event)) {
        EXPECT_TRUE(driver.session().accept(status->request).ok());
      }
    }
    return any;
  }
  void on_finished(SessionDriver&, const transport::CloseReason&) override { session_ = nullptr; }
  void feed(session::StreamHandle stream, session::Time) override {
    while (fed < kObjects && session_->backlog(stream).has_room()) {
      session::FetchObject object;
      object.location = {0, fed};
      object.payload = payload_;
      object.payload_length = kSize;
      ASSERT_TRUE(session_->append_fetch_object(stream, object).ok());
      ++fed;
    }
    const auto went_on = fed < kObjects ? session_->request_feed(stream) : session_->finish_stream(stream);
    ASSERT_TRUE(went_on.ok());
  }

  std::size_t fed = 0;

 private:
  void begin(session::Session& its, session::RequestHandle request) {
    session_ = &its;
    const auto stream = its.open_fetch(request);
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE(its.accept_fetch(request, {.end_of_track = false, .end = {1, 0}}).ok());
    ASSERT_TRUE(its.set_feeder(*stream, this).ok());
    ASSERT_TRUE(its.request_feed(*stream).ok());
  }

  session::Session* session_ = nullptr;
  base::SharedBytes payload_ = base::SharedBytes::copy_of(base::ByteVector(kSize, 0x61));
};

class PausedStreamTest : public RelayServerTest {};

TEST_F(PausedStreamTest, HoldsThePublisherUpAndLosesNothing) {
  Archive archive;
  Endpoint publisher(loop_);
  ASSERT_TRUE(publisher.open("publisher").ok());
  Endpoint::ListenOptions listening;
  listening.host = "127.0.0.1";
  listening.credentials =
      quic::Credentials::server(certificate_.certificate_file.string(), certificate_.private_key_file.string());
  ASSERT_TRUE(publisher.listen(std::move(listening), archive).ok());

  const moqt::FullTrackName track(moqt::TrackNamespace{"live"}, "video");
  Client reader;
  std::uint64_t objects = 0;
  std::uint64_t payload = 0;
  std::uint64_t payload_while_paused = 0;
  std::size_t fed_while_paused = 0;
  int questions = 0;
  std::optional<session::IncomingStreamId> paused;
  bool resumed = false;
  bool finished = false;
  reader.on_event = [&](SessionDriver& driver, session::Event& event) {
    session::Session& mine = driver.session();
    if (std::holds_alternative<session::Established>(event)) (void)mine.fetch(track, {0, 0}, {1, 0});
    if (const auto* object = std::get_if<session::FetchObjectReceived>(&event)) {
      EXPECT_EQ(object->location, (moqt::Location{0, objects}));
      ++objects;
      payload += object->payload.size();
      if (!paused) {
        paused = object->stream;
        mine.pause_stream(*paused);
        (void)mine.track_status(track);
      }
    }
    if (const auto* more = std::get_if<session::ObjectPayload>(&event)) payload += more->bytes.size();
    // Round trips in which a publisher that nobody holds up would go on.
    if (std::holds_alternative<session::RequestAccepted>(event)) {
      if (++questions < 200) {
        (void)mine.track_status(track);
      } else {
        payload_while_paused = payload;
        fed_while_paused = archive.fed;
        resumed = true;
        mine.resume_stream(*paused);
      }
    }
    if (const auto* ended = std::get_if<session::FetchEnded>(&event)) {
      EXPECT_TRUE(resumed);
      finished = ended->finished;
      loop_.stop();
    }
  };
  dial(reader, [&](auto& options) { options.port = publisher.port(); });
  run();
  EXPECT_TRUE(finished);
  EXPECT_EQ(objects, kObjects);
  EXPECT_EQ(payload, std::uint64_t{kObjects} * kSize);
  EXPECT_LT(payload_while_paused, base::MemoryLimits{}.connection * 2) << "of 40 MB";
  EXPECT_LT(fed_while_paused * kSize, base::MemoryLimits{}.connection * 2 + 1024 * 1024);
}

}  // namespace
}  // namespace msquic_py::runtime::testing

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "command_line/client_program.h"
#include "moqt-pub/media_input.h"
#include "moqt/pubsub/endpoint.h"
#include "moqt/pubsub/group_writer.h"
#include "moqt/pubsub/track_writer.h"
#include "runtime/session_driver.h"

namespace msquic_py::apps {

struct PublisherOptions {
  moqt::FullTrackName track;
  std::uint8_t priority = 128;
  /// Nothing: the present time in milliseconds. An object must not come back with other contents
  /// (section 2.1), and a publisher that was restarted does not know how far it had been.
  std::optional<std::uint64_t> first_group;
  bool offer_with_publish = false;  ///< PUBLISH in place of PUBLISH_NAMESPACE
  bool pace = true;                 ///< send at the speed of the media, where the format knows it
  bool wait_for_subscriber = true;  ///< begin with the first subscriber; otherwise what nobody wants is dropped
};

/// Publishes an input on one session: announces the track, and sends one object per unit, a group for each start.
class Publisher final : public ClientRole, public runtime::EventLoop::Participant {
 public:
  /// The loop ends when the publisher is done; then see failure().
  Publisher(runtime::EventLoop& loop, PublisherOptions options, const std::string& input, MediaInput::Format format);
  ~Publisher() override;

  /// Ends the track after what was sent already. Loop thread.
  void stop() override;
  /// Nothing: everything was published.
  [[nodiscard]] const std::optional<std::string>& failure() const noexcept override { return failure_; }
  [[nodiscard]] std::string summary() const override;

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const quic::CloseReason& reason) override;
  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  /// A subscriber that has this much waiting makes the publisher wait.
  static constexpr std::size_t kLowWater = 1024 * 1024;

  void handle(moqt::pubsub::EndpointEvent& event);
  void announce();
  std::optional<runtime::EventLoop::Time> send_due(runtime::EventLoop::Time now);
  void send(MediaUnit unit);
  void finish_track();
  void fail(std::string why);
  void give_up(moqt::session::SessionError error);
  [[nodiscard]] bool may_begin() const;
  [[nodiscard]] std::uint64_t next_group() const;

  runtime::EventLoop& loop_;
  PublisherOptions options_;
  runtime::SessionDriver* driver_ = nullptr;
  std::optional<moqt::pubsub::Endpoint> endpoint_;
  std::shared_ptr<moqt::pubsub::TrackWriter> track_;
  std::shared_ptr<moqt::pubsub::GroupWriter> group_;
  bool begun_ = false;
  bool finishing_ = false;
  std::optional<runtime::EventLoop::Time> pace_start_;
  std::chrono::microseconds pace_origin_{0};
  std::uint64_t objects_sent_ = 0;
  std::uint64_t groups_sent_ = 0;
  std::optional<std::string> failure_;
  MediaInput input_;  // last: its thread may call back as soon as it is made
};

}  // namespace msquic_py::apps

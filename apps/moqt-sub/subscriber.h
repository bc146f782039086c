#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "command_line/client_program.h"
#include "moqt-sub/group_sequencer.h"
#include "moqt-sub/media_output.h"
#include "moqt/pubsub/endpoint.h"
#include "moqt/pubsub/track_reader.h"
#include "runtime/session_driver.h"

namespace msquic_py::apps {

struct SubscriberOptions {
  moqt::FullTrackName track;
  moqt::SubscriptionFilter filter = moqt::SubscriptionFilter::next_group_start();
  std::uint8_t priority = 128;
  bool wait_for_publisher =
      true;                       ///< subscribe when the track's namespace is published; otherwise a refusal is the end
  bool follow = false;            ///< subscribe again when the track ended, for example because its publisher restarts
  std::uint64_t max_objects = 0;  ///< stop after that many; 0: no limit
};

/// Receives one track on one session and writes it out in order.
class Subscriber final : public ClientRole {
 public:
  Subscriber(runtime::EventLoop& loop, SubscriberOptions options, MediaOutput output);

  /// Unsubscribes and leaves. Loop thread.
  void stop() override;
  /// Nothing: the track ended, or stop() was called.
  [[nodiscard]] const std::optional<std::string>& failure() const noexcept override { return failure_; }
  [[nodiscard]] std::string summary() const override;

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const quic::CloseReason& reason) override;

 private:
  void handle(moqt::pubsub::EndpointEvent& event);
  void subscribe();
  void wait_for_namespace();
  void read_objects();
  void on_end();
  void write(const moqt::pubsub::ReceivedObject& object, bool starts_group);
  void leave();
  void fail(std::string why);

  runtime::EventLoop& loop_;
  SubscriberOptions options_;
  MediaOutput output_;
  GroupSequencer sequencer_;
  runtime::SessionDriver* driver_ = nullptr;
  std::optional<moqt::pubsub::Endpoint> endpoint_;
  std::shared_ptr<moqt::pubsub::TrackReader> reader_;
  bool waiting_for_namespace_ = false;
  bool leaving_ = false;
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
  base::ByteVector scratch_;
  std::optional<std::string> failure_;
};

}  // namespace msquic_py::apps

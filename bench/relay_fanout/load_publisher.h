#pragma once

#include <atomic>
#include <optional>

#include "base/shared_bytes.h"
#include "fanout_run.h"
#include "moqt/model/location.h"
#include "progress.h"
#include "runtime/endpoint.h"
#include "runtime/session_user.h"

namespace msquic_py::bench {

/// Publishes numbered, time-stamped objects at the plan's rate. Everything but start() and stop() is on the loop.
class LoadPublisher final : public runtime::SessionUser, public runtime::EventLoop::Participant {
 public:
  LoadPublisher(runtime::EventLoop& loop, const FanoutPlan& plan, const moqt::FullTrackName& track, Progress& progress);
  ~LoadPublisher() override;

  /// Begins to send. Any thread.
  void start();
  /// Ends the last group. Any thread.
  void stop();

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;
  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  [[nodiscard]] bool may_send() const noexcept;
  void send_object();
  void send_datagram(moqt::Location location);
  void finish_group();

  runtime::EventLoop& loop_;
  const FanoutPlan& plan_;
  const moqt::FullTrackName& track_;
  Progress& progress_;
  runtime::SessionDriver* driver_ = nullptr;
  moqt::session::RequestHandle subscription_;
  moqt::session::StreamHandle stream_;
  std::uint64_t number_ = 0;
  std::optional<runtime::EventLoop::Time> next_;
  std::atomic<bool> sending_{false};
  base::ByteVector payload_;
  base::SlabArena arena_{1024 * 1024};
};

}  // namespace msquic_py::bench

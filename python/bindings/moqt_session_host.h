#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "moqt_session_link.h"
#include "moqt_shared_tracks.h"
#include "runtime/endpoint.h"
#include "runtime/session_user.h"

namespace msquic_py::python {

/// Gives each session of one endpoint, client or server, to its link. On the sessions' thread.
class SessionHost final : public runtime::SessionUser {
 public:
  SessionHost();

  /// Of a server.
  void open(quic::Registration registration) noexcept { endpoint_.open(std::move(registration)); }
  /// Begins a client session; a failure is told to the link.
  void dial(runtime::Endpoint::DialOptions options, const std::shared_ptr<SessionLink>& link);
  /// Every accepted session becomes a link of `channel`, and has the `tracks`.
  quic::Result<std::uint16_t> listen(runtime::Endpoint::ListenOptions options, std::shared_ptr<SessionChannel> channel,
                                     SessionLink::Options link_options, std::shared_ptr<SharedTracks> tracks);
  [[nodiscard]] quic::Listener listener() const { return endpoint_.listener(); }
  void stop_listening() { endpoint_.stop_listening(); }
  /// Python's word on what the session of that target asks.
  void decide(std::uint64_t target, std::uint64_t request, const moqt::session::Verdict& verdict);
  [[nodiscard]] bool idle() const noexcept { return endpoint_.idle(); }
  void on_idle(std::function<void()> callback) { endpoint_.on_idle(std::move(callback)); }

  bool on_events(runtime::SessionDriver& driver, runtime::EventLoop::Time now) override;
  [[nodiscard]] std::optional<runtime::EventLoop::Time> next_deadline(
      const runtime::SessionDriver& driver) const override;
  void on_finished(runtime::SessionDriver& driver, const transport::CloseReason& reason) override;
  void on_ticket(runtime::SessionDriver& driver, const base::SharedBytes& ticket) override;

 private:
  runtime::Endpoint endpoint_;
  std::unordered_map<const runtime::SessionDriver*, std::shared_ptr<SessionLink>> links_;
  std::shared_ptr<SessionChannel> channel_;  ///< of a server
  std::shared_ptr<SharedTracks> tracks_;     ///< that all of its sessions have
  SessionLink::Options link_options_;
};

/// Begins a client session on the host that all client sessions of this process share. Sessions' thread.
void dial_session(runtime::Endpoint::DialOptions options, const std::shared_ptr<SessionLink>& link);

}  // namespace msquic_py::python

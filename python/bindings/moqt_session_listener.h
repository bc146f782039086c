#pragma once

#include <chrono>
#include <memory>

#include "moqt_session_host.h"
#include "moqt_shared_listener.h"

namespace msquic_py::python {

/// A server on the sessions' thread. It keeps itself alive until it was closed and its last session is over.
class SessionListener : public std::enable_shared_from_this<SessionListener> {
 public:
  SessionListener(std::shared_ptr<SessionChannel> channel, std::uint64_t target)
      : channel_(std::move(channel)), target_(target), tracks_(std::make_shared<SharedTracks>(channel_, target)) {}

  /// Listening or NotListening follows. Any thread, like the others.
  void listen(quic::Registration registration, runtime::Endpoint::ListenOptions options,
              SessionLink::Options link_options);
  [[nodiscard]] SharedTracks& tracks() const noexcept { return *tracks_; }
  /// Where it listens, and with what; from Listening to Stopped.
  [[nodiscard]] const SharedListener& socket() const noexcept { return socket_; }
  /// New clients are refused from now on. The rest as with close().
  void stop_accepting();
  /// No more sessions; those that are there live on. Stopped follows when the last one is over.
  void close();
  /// Python's word on what the session of that target asks; any thread.
  void decide(std::uint64_t target, std::uint64_t request, moqt::session::Verdict verdict);

 private:
  void stop_if_idle();

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t target_;
  const std::shared_ptr<SharedTracks> tracks_;
  SharedListener socket_;
  std::unique_ptr<SessionHost> host_;  ///< on the sessions' thread only
  bool closing_ = false;
};

}  // namespace msquic_py::python

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/backoff.h"
#include "moqt/model/track_namespace.h"
#include "runtime/endpoint.h"
#include "runtime/event_loop.h"
#include "runtime/moqt_url.h"
#include "runtime/session_driver.h"
#include "runtime/session_user.h"

namespace msquic_py::runtime {

/// What a relay has to say of one of its upstreams.
struct UpstreamNotice {
  std::size_t upstream = 0;  ///< its number, from 0 on
  bool connected = false;    ///< a session has been established; otherwise it has ended, or could not be made
  std::string reason;        ///< why not, for people
  std::optional<std::chrono::milliseconds> redial;  ///< when it is dialled again; nothing when it is not
};

/// An upstream of a relay.
struct UpstreamOptions {
  /// The namespaces that it is asked for, and told of; without fields all.
  moqt::TrackNamespace prefix;
  Endpoint::DialOptions dial;
  base::Backoff::Limits backoff;
};

/// Keeps a session with one upstream: dials it, and dials again with backoff whenever the session has ended; an attempt
/// lasts as long as base::attempt_limit() says, up to what the options allow. An upstream that says GOAWAY is left, and
/// dialled again, at once when the session has lasted: there, or where its New Session URI says [d15 §9.4]. That place
/// counts until nobody answers there; then the one in the options does again. Loop thread, or before the loop runs.
class UpstreamLink final : public EventLoop::Participant {
 public:
  using Notify = std::function<void(const UpstreamNotice&)>;

  /// `user` gets the sessions, and hands on_established() and on_finished() of them on to here.
  UpstreamLink(Endpoint& endpoint, SessionUser& user, std::size_t number, UpstreamOptions options, Notify notify);
  ~UpstreamLink() override;

  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] const SessionDriver* driver() const noexcept { return driver_; }
  /// Whether a session may follow the present one.
  [[nodiscard]] bool redials() const noexcept { return !stopped_; }
  /// The session has something to say: looks whether it is established now, or asked to leave.
  void look(EventLoop::Time now);
  void on_finished(const transport::CloseReason& reason, EventLoop::Time now);
  /// No session is made any more; `close` ends the present one.
  void stop(bool close);

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override;

 private:
  void dial();
  void wait(std::string reason, bool at_once);
  /// Where the upstream sends us, which is leaving.
  void follow(std::string_view uri);

  Endpoint& endpoint_;
  SessionUser& user_;
  const std::size_t number_;
  const UpstreamOptions options_;
  const Notify notify_;
  base::Backoff backoff_;
  std::uint32_t attempts_ = 0;  ///< since there was a session
  SessionDriver* driver_ = nullptr;
  std::optional<EventLoop::Time> established_;
  std::optional<MoqtUrl> successor_;  ///< where a GOAWAY has sent us
  std::string why_left_;              ///< for people
  bool leaving_ = false;              ///< it has said GOAWAY
  bool stopped_ = false;
  EventLoop::Time due_{};  ///< when to dial, while there is no session
};

}  // namespace msquic_py::runtime

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/backoff.h"
#include "command_line/client_options.h"
#include "runtime/endpoint.h"
#include "runtime/event_loop.h"
#include "runtime/session_user.h"

namespace msquic_py::apps {

class ClientRole;

/// Makes another session for a role that has lost its own, for as long as ClientOptions::give_up_after says. On the
/// loop.
class Comeback final : public runtime::EventLoop::Participant {
 public:
  Comeback(runtime::EventLoop& loop, runtime::Endpoint& endpoint, ClientOptions options, ClientRole& role);
  ~Comeback() override;
  Comeback(const Comeback&) = delete;
  Comeback& operator=(const Comeback&) = delete;

  /// The role has its session: both SETUPs are exchanged.
  void established();
  /// The session of the role is over. True: another one is made, and ClientRole::on_dialled() follows. False: it is not
  /// worth trying, or has been tried for long enough.
  [[nodiscard]] bool after(const transport::CloseReason& reason);
  /// The next session is to be with the server that a GOAWAY names. False: the URI is none that can be used, or empty.
  [[nodiscard]] bool go_to(std::string_view uri);
  /// Where the next session is dialled, and how the present one was.
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
  [[nodiscard]] bool came_back() const noexcept { return sessions_ > 1; }

  std::optional<runtime::EventLoop::Time> turn(runtime::EventLoop::Time now) override;

 private:
  using Time = runtime::EventLoop::Time;
  /// A session that held for so long makes the waits begin anew.
  static constexpr std::chrono::seconds kLasting{10};

  runtime::EventLoop& loop_;
  runtime::Endpoint& endpoint_;
  ClientOptions options_;
  ClientRole& role_;
  base::Backoff backoff_;
  const double connect_timeout_;  ///< seconds: what the last attempts have, see base::attempt_limit()
  std::uint32_t attempts_ = 0;    ///< since there was a session
  std::optional<Time> established_at_;
  std::optional<Time> lost_at_;
  std::optional<Time> dial_at_;
  std::size_t sessions_ = 0;
};

}  // namespace msquic_py::apps

#pragma once

#include <optional>
#include <string>

#include "command_line/client_options.h"
#include "command_line/comeback.h"
#include "runtime/event_loop.h"
#include "runtime/session_user.h"
#include "runtime/shutdown_signal.h"

namespace msquic_py::apps {

/// What moqt-pub or moqt-sub does with its one session. It stops the loop when it is done.
class ClientRole : public runtime::SessionUser {
 public:
  /// The connection is being made. Before the loop runs, and again on the loop when the comeback() makes another one.
  virtual void on_dialled(runtime::SessionDriver& driver) = 0;
  /// The user wants the program to end: bring it to an orderly end. Loop thread.
  virtual void stop() = 0;
  /// Nothing when all went well.
  [[nodiscard]] virtual const std::optional<std::string>& failure() const noexcept = 0;
  /// An ExitCode, once the loop has ended.
  [[nodiscard]] virtual int exit_code() const;
  /// What has been done, for the log.
  [[nodiscard]] virtual std::string summary() const = 0;

  /// Null when a session that is lost is the end.
  [[nodiscard]] Comeback* comeback() const noexcept { return comeback_; }
  void set_comeback(Comeback* comeback) noexcept { comeback_ = comeback; }

 private:
  Comeback* comeback_ = nullptr;
};

/// The life of a client program: it dials, runs until its role is done, and says how it went. The first signal asks the
/// role to stop, the second ends the loop.
class ClientProgram {
 public:
  /// Before any other thread is started, because of the signals.
  explicit ClientProgram(std::string name);

  [[nodiscard]] runtime::EventLoop& loop() noexcept { return loop_; }
  /// Returns an ExitCode.
  int run(const ClientOptions& options, ClientRole& role);

 private:
  void on_signal();

  std::string name_;
  runtime::EventLoop loop_;
  ClientRole* role_ = nullptr;  ///< loop thread, or before the loop runs
  int signals_ = 0;
  runtime::ShutdownSignal shutdown_;
};

}  // namespace msquic_py::apps

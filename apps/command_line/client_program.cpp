#include "command_line/client_program.h"

#include <utility>

#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "runtime/endpoint.h"

namespace msquic_py::apps {

ClientProgram::ClientProgram(std::string name)
    : name_(std::move(name)), shutdown_([this] { loop_.post([this] { on_signal(); }); }) {}

void ClientProgram::on_signal() {
  if (++signals_ == 1 && role_ != nullptr) {
    role_->stop();
  } else {
    loop_.stop();
  }
}

int ClientRole::exit_code() const { return failure() ? kFailure : kSuccess; }

int ClientProgram::run(const ClientOptions& options, ClientRole& role) {
  role_ = &role;
  runtime::Endpoint endpoint(loop_);
  if (auto opened = endpoint.open(name_); !opened) {
    log_error(opened.error().message);
    return kFailure;
  }
  const auto dialled = endpoint.dial(options.dial_options(), role);
  if (!dialled) {
    log_error(dialled.error().message);
    return kFailure;
  }
  std::optional<Comeback> comeback;
  if (options.resume) role.set_comeback(&comeback.emplace(loop_, endpoint, options, role));
  role.on_dialled(**dialled);
  loop_.run();
  role.set_comeback(nullptr);
  log_info(role.summary());
  if (role.failure()) log_error(*role.failure());
  return signals_ > 1 && !role.failure() ? kInterrupted : role.exit_code();
}

}  // namespace msquic_py::apps

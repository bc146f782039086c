#include "job_connection.h"

#include <stdexcept>

namespace msquic_py::bench {

namespace {
constexpr int kDeadlineSeconds = 120;
}  // namespace

Outcome JobConnection::run() {
  HQUIC configuration = api_.client_configuration(alpn_);
  std::future<Outcome> outcome = outcome_.get_future();
  require(api_->ConnectionOpen(api_.registration(), on_connection, this, &connection_), "ConnectionOpen");
  require(api_->ConnectionStart(connection_, configuration, QUIC_ADDRESS_FAMILY_INET, "127.0.0.1", port_),
          "ConnectionStart");
  for (int seconds = 0; outcome.wait_for(std::chrono::seconds(1)) != std::future_status::ready; ++seconds) {
    if (seconds == kDeadlineSeconds) give_up("the job does not end");
    second_passed();
  }
  api_->ConnectionShutdown(connection_, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
  if (closed_.get_future().wait_for(std::chrono::seconds(kDeadlineSeconds)) != std::future_status::ready) {
    give_up("the connection does not close");
  }
  api_->ConnectionClose(connection_);
  api_->ConfigurationClose(configuration);
  return outcome.get();
}

void JobConnection::finish(std::uint64_t done, std::uint64_t lost, std::chrono::steady_clock::time_point at) {
  if (settled_) return;
  settled_ = true;
  const std::chrono::duration<double> taken = at - started_;
  outcome_.set_value({done, taken.count(), lost});
}

void JobConnection::fail(const std::string& why) {
  if (settled_) return;
  settled_ = true;
  outcome_.set_exception(std::make_exception_ptr(std::runtime_error(why)));
}

QUIC_STATUS QUIC_API JobConnection::on_connection(HQUIC, void* context, QUIC_CONNECTION_EVENT* event) {
  auto& self = *static_cast<JobConnection*>(context);
  if (event->Type == QUIC_CONNECTION_EVENT_CONNECTED) {
    self.start_clock();
    self.connected();
  } else if (event->Type == QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE) {
    self.fail("the connection was closed");
    self.closed_.set_value();
  } else {
    self.on_event(*event);
  }
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::bench

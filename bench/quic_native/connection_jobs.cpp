#include "connection_jobs.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "protocol.h"

namespace msquic_py::bench {

namespace {
constexpr auto kDeadline = std::chrono::minutes(2);

void wait(std::promise<void>& promise, const char* what) {
  if (promise.get_future().wait_for(kDeadline) != std::future_status::ready) give_up(what);
}
}  // namespace

ConnectionCrowd::ConnectionCrowd(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, Use use)
    : api_(api),
      port_(port),
      count_(count),
      use_(use),
      configuration_(api.client_configuration(kHandshakes)),
      partitions_(std::max(std::thread::hardware_concurrency(), 1U)) {}

ConnectionCrowd::~ConnectionCrowd() { api_->ConfigurationClose(configuration_); }

Outcome ConnectionCrowd::run(std::uint64_t parallel) {
  const auto started = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < std::min(parallel, count_); ++i) next();
  wait(all_done_, "the handshakes do not end");
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
  if (use_ == Use::kCloseAtOnce) release();
  if (failed_) throw std::runtime_error("a handshake failed");
  return {count_, taken.count(), 0};
}

void ConnectionCrowd::release() {
  std::vector<HQUIC> held;
  {
    const std::lock_guard lock(mutex_);
    held.swap(held_);
  }
  for (HQUIC connection : held) api_->ConnectionShutdown(connection, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
  over();
  wait(all_closed_, "the connections do not close");
}

void ConnectionCrowd::over() {
  if (open_.fetch_sub(1) == 1) all_closed_.set_value();
}

void ConnectionCrowd::next() {
  // What is held is started once; what is closed is followed by another one.
  if (use_ == Use::kHold && started_.fetch_add(1) >= count_) return;
  open_.fetch_add(1);
  HQUIC connection = nullptr;
  // Left alone, MsQuic takes the partition of the calling processor: here, in a callback, the same one for ever.
  const auto partition = static_cast<std::uint16_t>(opened_.fetch_add(1) % partitions_);
  if (QUIC_FAILED(api_->ConnectionOpenInPartition(api_.registration(), partition, on_connection, this, &connection)) ||
      QUIC_FAILED(api_->ConnectionStart(connection, configuration_, QUIC_ADDRESS_FAMILY_INET, "127.0.0.1", port_))) {
    settled(false);
    over();
  }
}

void ConnectionCrowd::settled(bool well) {
  if (!well) failed_ = true;
  const std::uint64_t done = done_.fetch_add(1) + 1;
  if (done == count_) all_done_.set_value();
  if (done < count_) next();
}

QUIC_STATUS QUIC_API ConnectionCrowd::on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event) {
  auto& self = *static_cast<ConnectionCrowd*>(context);
  if (event->Type == QUIC_CONNECTION_EVENT_CONNECTED) {
    if (self.use_ == Use::kCloseAtOnce) {
      self.api_->ConnectionShutdown(connection, QUIC_CONNECTION_SHUTDOWN_FLAG_NONE, 0);
    } else {
      {
        const std::lock_guard lock(self.mutex_);
        self.held_.push_back(connection);
      }
      self.settled(true);
    }
  } else if (event->Type == QUIC_CONNECTION_EVENT_SHUTDOWN_COMPLETE) {
    self.api_->ConnectionClose(connection);
    if (self.use_ == Use::kCloseAtOnce) self.settled(event->SHUTDOWN_COMPLETE.HandshakeCompleted != FALSE);
    self.over();
  }
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::bench

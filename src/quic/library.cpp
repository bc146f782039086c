#include "quic/library.h"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "quic/api.h"
#include "quic/background.h"
#include "quic/fork_handlers.h"
#include "quic/library_options_apply.h"
#include "quic/registration_state.h"

namespace msquic_py::quic {
namespace {

struct Process {
  std::mutex mutex;
  std::unique_ptr<std::condition_variable> changed = std::make_unique<std::condition_variable>();
  std::uint64_t registrations = 0;  // guarded; the library stays open while there is one
  LibraryOptions options;           // guarded
  bool had_registration = false;    // guarded; since MsQuic was opened
  bool keyed = false;               // the stateless reset key was given to MsQuic, or there is none
  std::atomic<const QUIC_API_TABLE*> table{nullptr};
  std::array<std::atomic<std::uint64_t>, 4> open{};
  std::atomic<std::uint16_t> partitions{1};
  std::atomic<std::uint16_t> next_partition{0};
  std::atomic<bool> forked{false};
  std::atomic<bool> finalizing{false};
};

Process& process() noexcept {
  static Process* const instance = [] {
    install_fork_handlers();
    // Never destroyed: MsQuic's threads use it until the process ends. Without memory for it nothing can go on.
    return new Process;  // NOLINT(bugprone-unhandled-exception-at-new)
  }();
  return *instance;
}

Result<void> open_locked(Process& self) {
  if (self.table.load(std::memory_order_acquire) != nullptr) return {};
  const QUIC_API_TABLE* table = nullptr;
  const QUIC_STATUS status = MsQuicOpen2(&table);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "opening MsQuic")};
  if (auto applied = apply_options(*table, self.options, false); !applied) {
    MsQuicClose(table);
    return applied;
  }
  self.partitions.store(worker_count(self.options), std::memory_order_relaxed);
  self.table.store(table, std::memory_order_release);
  return {};
}

void close_locked(Process& self) {
  const QUIC_API_TABLE* const table = self.table.exchange(nullptr, std::memory_order_acq_rel);
  if (table == nullptr) return;
  self.had_registration = false;
  self.keyed = false;
  MsQuicClose(table);
}

std::uint64_t opened(ObjectKind kind) noexcept {
  return process().open[static_cast<std::size_t>(kind)].load(std::memory_order_acquire);
}

}  // namespace

// MsQuic's threads, and this layer's, do not come along. A child that begins without anything of theirs can begin anew.
void before_fork() noexcept {
  Process& self = process();
  self.mutex.lock();
  if (self.registrations == 0 && !Library::forked() && !Library::finalizing()) close_locked(self);
  hold_background();
}

void after_fork_in_parent() noexcept {
  release_background();
  process().mutex.unlock();
}

void after_fork_in_child() noexcept {
  Process& self = process();
  const bool fresh = self.table.load(std::memory_order_acquire) == nullptr && !Library::forked();
  if (!fresh) self.forked.store(true, std::memory_order_release);
  release_background();
  if (fresh) {
    renew_background();
    // Threads that waited on the old one are not here, which it cannot know.
    static_cast<void>(self.changed.release());
    self.changed = std::make_unique<std::condition_variable>();
  }
  self.mutex.unlock();
}

const QUIC_API_TABLE& api() noexcept { return *process().table.load(std::memory_order_acquire); }

std::uint16_t next_partition() noexcept {
  Process& self = process();
  return static_cast<std::uint16_t>(self.next_partition.fetch_add(1, std::memory_order_relaxed) %
                                    self.partitions.load(std::memory_order_relaxed));
}

std::optional<Error> unusable() {
  for (const auto& [flag, status] :
       {std::pair{Library::forked(), Status::ForkedProcess}, {Library::finalizing(), Status::Finalizing}}) {
    if (flag) return Error::own(status, std::string(status_text(status)));
  }
  return std::nullopt;
}

Result<void> acquire_library(LibraryUse use) {
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  if (auto opening = open_locked(self); !opening) return opening;
  if (use == LibraryUse::Registration) self.had_registration = true;
  ++self.registrations;
  return {};
}

Result<void> registration_is_open() {
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  if (std::exchange(self.keyed, true)) return {};
  return apply_stateless_reset_key(*self.table.load(std::memory_order_acquire), self.options);
}

void release_library() noexcept {
  Process& self = process();
  {
    const std::lock_guard lock(self.mutex);
    --self.registrations;
  }
  self.changed->notify_all();
}

void count_opened(ObjectKind kind) noexcept {
  process().open[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_acq_rel);
}

void count_closed(ObjectKind kind) noexcept {
  Process& self = process();
  if (self.open[static_cast<std::size_t>(kind)].fetch_sub(1, std::memory_order_acq_rel) == 1) {
    // The waiter checks under the mutex; passing through it here keeps the notification from being missed.
    { const std::lock_guard lock(self.mutex); }
    self.changed->notify_all();
  }
}

Result<void> Library::open() {
  if (auto error = unusable()) return base::Failure{*error};
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  return open_locked(self);
}

Result<void> Library::close() {
  if (auto error = unusable()) return base::Failure{*error};
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  if (self.registrations != 0) {
    return base::Failure{Error::own(
        Status::LibraryInUse, "MsQuic cannot be closed while objects are open: " + std::to_string(self.registrations) +
                                  " registrations, " + std::to_string(opened(ObjectKind::Configuration)) +
                                  " configurations, " + std::to_string(opened(ObjectKind::Listener)) + " listeners, " +
                                  std::to_string(opened(ObjectKind::Connection)) + " connections, " +
                                  std::to_string(opened(ObjectKind::Stream)) + " streams; close them first")};
  }
  close_locked(self);
  return {};
}

Result<void> Library::configure(const LibraryOptions& options) {
  if (auto error = unusable()) return base::Failure{*error};
  Process& self = process();
  const std::lock_guard lock(self.mutex);
  LibraryOptions merged = self.options;
  merge_options(merged, options);
  if (auto checked = check_options(merged); !checked) return checked;
  if (self.had_registration && (options.workers || options.load_balancing || options.fixed_server_id)) {
    return base::Failure{Error::own(Status::LibraryInUse,
                                    "workers and load balancing are chosen before the first registration of the "
                                    "process, or after MsQuic was closed")};
  }
  if (const QUIC_API_TABLE* table = self.table.load(std::memory_order_acquire); table != nullptr) {
    if (auto applied = apply_options(*table, merged, self.had_registration); !applied) return applied;
    if (self.keyed && options.stateless_reset_key) {
      if (auto applied = apply_stateless_reset_key(*table, merged); !applied) return applied;
    }
  }
  self.options = merged;
  if (!self.had_registration) self.partitions.store(worker_count(merged), std::memory_order_relaxed);
  return {};
}

bool Library::is_open() noexcept { return process().table.load(std::memory_order_acquire) != nullptr; }
bool Library::forked() noexcept { return process().forked.load(std::memory_order_acquire); }
bool Library::finalizing() noexcept { return process().finalizing.load(std::memory_order_acquire); }

namespace {

/// Calls `read` with the table while the library cannot be closed.
template <class Read>
auto with_library(Read read) -> decltype(read(api())) {
  if (auto error = unusable()) return base::Failure{*error};
  if (auto held = acquire_library(LibraryUse::Parameters); !held) return base::Failure{held.error()};
  auto result = read(api());
  release_library();
  return result;
}

}  // namespace

Result<std::string> Library::version() {
  return with_library([](const QUIC_API_TABLE& table) -> Result<std::string> {
    std::uint32_t version[4] = {};
    std::uint32_t size = sizeof(version);
    const QUIC_STATUS status = table.GetParam(nullptr, QUIC_PARAM_GLOBAL_LIBRARY_VERSION, &size, version);
    if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading MsQuic's version")};
    std::string text;
    for (const std::uint32_t part : version) text += (text.empty() ? "" : ".") + std::to_string(part);
    return text;
  });
}

Result<std::string> Library::tls_provider() {
  return with_library([](const QUIC_API_TABLE& table) -> Result<std::string> {
    QUIC_TLS_PROVIDER provider{};
    std::uint32_t size = sizeof(provider);
    const QUIC_STATUS status = table.GetParam(nullptr, QUIC_PARAM_GLOBAL_TLS_PROVIDER, &size, &provider);
    if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading MsQuic's TLS provider")};
    if (provider == QUIC_TLS_PROVIDER_SCHANNEL) return std::string("schannel");
#if defined(MSQUIC_PY_SHARED_MSQUIC)
    return std::string("openssl");
#else
    return std::string("quictls");
#endif
  });
}

Result<PerformanceCounters> Library::performance_counters() {
  return with_library([](const QUIC_API_TABLE& table) -> Result<PerformanceCounters> {
    std::int64_t values[QUIC_PERF_COUNTER_MAX] = {};
    std::uint32_t size = sizeof(values);
    const QUIC_STATUS status = table.GetParam(nullptr, QUIC_PARAM_GLOBAL_PERF_COUNTERS, &size, values);
    if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading MsQuic's counters")};
    const auto at = [&values](QUIC_PERFORMANCE_COUNTERS which) { return static_cast<std::uint64_t>(values[which]); };
    PerformanceCounters counters;
    counters.connections_created = at(QUIC_PERF_COUNTER_CONN_CREATED);
    counters.connections_active = at(QUIC_PERF_COUNTER_CONN_ACTIVE);
    counters.connections_connected = at(QUIC_PERF_COUNTER_CONN_CONNECTED);
    counters.handshake_failures = at(QUIC_PERF_COUNTER_CONN_HANDSHAKE_FAIL);
    counters.connections_rejected_by_application = at(QUIC_PERF_COUNTER_CONN_APP_REJECT);
    counters.connections_rejected_by_load = at(QUIC_PERF_COUNTER_CONN_LOAD_REJECT);
    counters.connections_resumed = at(QUIC_PERF_COUNTER_CONN_RESUMED);
    counters.connections_no_alpn = at(QUIC_PERF_COUNTER_CONN_NO_ALPN);
    counters.protocol_errors = at(QUIC_PERF_COUNTER_CONN_PROTOCOL_ERRORS);
    counters.connections_queued = at(QUIC_PERF_COUNTER_CONN_QUEUE_DEPTH);
    counters.connection_operations_queued = at(QUIC_PERF_COUNTER_CONN_OPER_QUEUE_DEPTH);
    counters.connection_operations_completed = at(QUIC_PERF_COUNTER_CONN_OPER_COMPLETED);
    counters.worker_operations_queued = at(QUIC_PERF_COUNTER_WORK_OPER_QUEUE_DEPTH);
    counters.worker_operations_completed = at(QUIC_PERF_COUNTER_WORK_OPER_COMPLETED);
    counters.streams_active = at(QUIC_PERF_COUNTER_STRM_ACTIVE);
    counters.packets_suspected_lost = at(QUIC_PERF_COUNTER_PKTS_SUSPECTED_LOST);
    counters.packets_dropped = at(QUIC_PERF_COUNTER_PKTS_DROPPED);
    counters.packets_decryption_failed = at(QUIC_PERF_COUNTER_PKTS_DECRYPTION_FAIL);
    counters.paths_validated = at(QUIC_PERF_COUNTER_PATH_VALIDATED);
    counters.paths_failed = at(QUIC_PERF_COUNTER_PATH_FAILURE);
    counters.stateless_resets_sent = at(QUIC_PERF_COUNTER_SEND_STATELESS_RESET);
    counters.stateless_retries_sent = at(QUIC_PERF_COUNTER_SEND_STATELESS_RETRY);
    counters.udp_received = at(QUIC_PERF_COUNTER_UDP_RECV);
    counters.udp_sent = at(QUIC_PERF_COUNTER_UDP_SEND);
    counters.udp_received_bytes = at(QUIC_PERF_COUNTER_UDP_RECV_BYTES);
    counters.udp_sent_bytes = at(QUIC_PERF_COUNTER_UDP_SEND_BYTES);
    counters.udp_receive_events = at(QUIC_PERF_COUNTER_UDP_RECV_EVENTS);
    counters.udp_send_calls = at(QUIC_PERF_COUNTER_UDP_SEND_CALLS);
    counters.application_sent_bytes = at(QUIC_PERF_COUNTER_APP_SEND_BYTES);
    counters.application_received_bytes = at(QUIC_PERF_COUNTER_APP_RECV_BYTES);
    return counters;
  });
}

LiveObjects Library::live_objects() noexcept {
  Process& self = process();
  LiveObjects live;
  if (forked()) return live;
  {
    const std::lock_guard lock(self.mutex);
    live.registrations = self.registrations;
  }
  live.configurations = opened(ObjectKind::Configuration);
  live.listeners = opened(ObjectKind::Listener);
  live.connections = opened(ObjectKind::Connection);
  live.streams = opened(ObjectKind::Stream);
  return live;
}

bool Library::wait_until_idle(std::chrono::milliseconds timeout) {
  Process& self = process();
  std::unique_lock lock(self.mutex);
  return self.changed->wait_for(lock, timeout, [&self] { return self.registrations == 0; });
}

void Library::set_finalizing(std::chrono::milliseconds grace) noexcept {
  Process& self = process();
  if (forked() || self.finalizing.exchange(true, std::memory_order_acq_rel)) return;
  shut_down_all_connections();
  std::unique_lock lock(self.mutex);
  self.changed->wait_for(lock, grace, [] { return opened(ObjectKind::Connection) == 0; });
}

}  // namespace msquic_py::quic

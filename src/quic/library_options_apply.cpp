// Gives MsQuic what LibraryOptions say.
#include "quic/library_options_apply.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "quic/api.h"
#include "quic/platform_settings.h"
#include "quic/processors.h"
#include "quic/settings.h"

namespace msquic_py::quic {
namespace {

// More threads than that cost more than they bring, unless the program says otherwise.
constexpr std::uint16_t kMostWorkersByDefault = 8;
constexpr std::uint32_t kMostQueueDelayMs = 60'000;

QUIC_STATUS set_workers(const QUIC_API_TABLE& table, std::uint16_t workers) {
  std::vector<std::byte> memory(sizeof(QUIC_GLOBAL_EXECUTION_CONFIG) + sizeof(std::uint16_t) * workers);
  auto* const config = new (memory.data()) QUIC_GLOBAL_EXECUTION_CONFIG{};
  config->ProcessorCount = workers;
  // The threads are bound to no processor; the numbers only have to exist.
  for (std::uint16_t i = 0; i < workers; ++i) config->ProcessorList[i] = i;
  return table.SetParam(nullptr, QUIC_PARAM_GLOBAL_EXECUTION_CONFIG, static_cast<std::uint32_t>(memory.size()), config);
}

}  // namespace

Result<void> check_options(const LibraryOptions& options) {
  const auto refused = [](std::string message) -> Result<void> {
    return base::Failure{Error::own(Status::InvalidParameter, std::move(message))};
  };
  const std::uint16_t processors = online_processors();
  if (options.workers && (*options.workers == 0 || *options.workers > processors)) {
    return refused("workers must be from 1 to " + std::to_string(processors) +
                   ", the number of processors of this machine, not " + std::to_string(*options.workers));
  }
  if (options.load_balancing == LoadBalancing::ServerIdFixed && !options.fixed_server_id) {
    return refused("load balancing by a fixed server ID needs fixed_server_id");
  }
  if (const auto problem = not_versions(options.quic_versions)) return refused(*problem);
  if (options.max_worker_queue_delay_ms &&
      (*options.max_worker_queue_delay_ms == 0 || *options.max_worker_queue_delay_ms > kMostQueueDelayMs)) {
    return refused("max_worker_queue_delay_ms must be from 1 to " + std::to_string(kMostQueueDelayMs));
  }
  return {};
}

Result<void> apply_options(const QUIC_API_TABLE& table, const LibraryOptions& options, bool in_use) {
  const auto check = [](QUIC_STATUS status, const char* what) -> Result<void> {
    if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, what)};
    return {};
  };
  if (!in_use) {
    const std::uint16_t workers = worker_count(options);
    // As many as there are processors is what MsQuic does anyway.
    if (workers != online_processors()) {
      if (auto set = check(set_workers(table, workers), "setting the number of workers"); !set) return set;
    }
  }
  QUIC_GLOBAL_SETTINGS global{};
  if (options.retry_memory_limit) {
    global.RetryMemoryLimit = *options.retry_memory_limit;
    global.IsSet.RetryMemoryLimit = 1;
  }
  if (!in_use && options.load_balancing) {
    global.LoadBalancingMode = static_cast<std::uint16_t>(*options.load_balancing);
    global.IsSet.LoadBalancingMode = 1;
  }
  if (!in_use && options.fixed_server_id) {
    global.FixedServerID = *options.fixed_server_id;
    global.IsSet.FixedServerID = 1;
  }
  if (global.IsSetFlags != 0) {
    const QUIC_STATUS status = table.SetParam(nullptr, QUIC_PARAM_GLOBAL_GLOBAL_SETTINGS, sizeof(global), &global);
    if (auto set = check(status, "setting MsQuic's global settings"); !set) return set;
  }
  if (options.quic_versions) {
    const QUIC_VERSION_SETTINGS all = to_msquic(*options.quic_versions);
    const QUIC_STATUS status = table.SetParam(nullptr, QUIC_PARAM_GLOBAL_VERSION_SETTINGS, sizeof(all), &all);
    if (auto set = check(status, "setting the QUIC versions"); !set) return set;
  }
  QUIC_SETTINGS settings{};
  // For streams that are opened before their connection has a configuration, too. See stream_receive.cpp.
  settings.StreamMultiReceiveEnabled = TRUE;
  settings.IsSet.StreamMultiReceiveEnabled = TRUE;
  if (options.max_worker_queue_delay_ms) {
    settings.MaxWorkerQueueDelayUs = *options.max_worker_queue_delay_ms * 1000;
    settings.IsSet.MaxWorkerQueueDelayUs = 1;
  }
  if (options.max_stateless_operations) {
    settings.MaxStatelessOperations = *options.max_stateless_operations;
    settings.IsSet.MaxStatelessOperations = 1;
  }
  if (options.max_binding_stateless_operations) {
    settings.MaxBindingStatelessOperations = *options.max_binding_stateless_operations;
    settings.IsSet.MaxBindingStatelessOperations = 1;
  }
  if (options.stateless_operation_expiration_ms) {
    settings.StatelessOperationExpirationMs = *options.stateless_operation_expiration_ms;
    settings.IsSet.StatelessOperationExpirationMs = 1;
  }
  return check(table.SetParam(nullptr, QUIC_PARAM_GLOBAL_SETTINGS, sizeof(settings), &settings),
               "setting MsQuic's global settings");
}

Result<void> apply_stateless_reset_key(const QUIC_API_TABLE& table, const LibraryOptions& options) {
  if (!options.stateless_reset_key) return {};
  static_assert(std::tuple_size_v<decltype(LibraryOptions::stateless_reset_key)::value_type> ==
                QUIC_STATELESS_RESET_KEY_LENGTH);
  const QUIC_STATUS status = table.SetParam(nullptr, QUIC_PARAM_GLOBAL_STATELESS_RESET_KEY,
                                            QUIC_STATELESS_RESET_KEY_LENGTH, options.stateless_reset_key->data());
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "setting the stateless reset key")};
  return {};
}

std::uint16_t worker_count(const LibraryOptions& options) noexcept {
  const std::uint16_t wanted =
      options.workers.value_or(std::min<std::uint16_t>(usable_processors(), kMostWorkersByDefault));
  return std::min(wanted, online_processors());
}

void merge_options(LibraryOptions& into, const LibraryOptions& from) noexcept {
  const auto take = [](auto& to, const auto& value) {
    if (value) to = value;
  };
  take(into.workers, from.workers);
  take(into.load_balancing, from.load_balancing);
  take(into.fixed_server_id, from.fixed_server_id);
  take(into.retry_memory_limit, from.retry_memory_limit);
  take(into.max_worker_queue_delay_ms, from.max_worker_queue_delay_ms);
  take(into.max_stateless_operations, from.max_stateless_operations);
  take(into.max_binding_stateless_operations, from.max_binding_stateless_operations);
  take(into.stateless_operation_expiration_ms, from.stateless_operation_expiration_ms);
  take(into.quic_versions, from.quic_versions);
  take(into.stateless_reset_key, from.stateless_reset_key);
}

}  // namespace msquic_py::quic

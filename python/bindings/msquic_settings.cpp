#include "msquic_settings.h"

#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "msquic_arguments.h"
#include "msquic_errors.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

using Setter = void (*)(quic::Settings&, const char*, nb::handle);
using Getter = nb::object (*)(const quic::Settings&);

template <class T>
constexpr std::uint64_t kLargest = std::numeric_limits<T>::max();
template <>
constexpr std::uint64_t kLargest<quic::CongestionControl> = 1;
template <>
constexpr std::uint64_t kLargest<quic::ServerResumption> = 2;
template <>
constexpr std::uint64_t kLargest<quic::StreamScheduling> = 1;
template <auto Member>
void set_member(quic::Settings& settings, const char* name, nb::handle value) {
  using Type = typename std::remove_reference_t<decltype(settings.*Member)>::value_type;
  if constexpr (std::is_same_v<Type, bool>) {
    settings.*Member = bool_argument(value, name);
  } else if constexpr (std::is_same_v<Type, std::vector<std::uint32_t>>) {
    settings.*Member = numbers_argument(value, name);
  } else {
    settings.*Member = static_cast<Type>(unsigned_argument(value, name, kLargest<Type>));
  }
}

/// None when it is not set.
template <auto Member>
nb::object get_member(const quic::Settings& settings) {
  using Type = typename std::remove_cvref_t<decltype(settings.*Member)>::value_type;
  const auto& value = settings.*Member;
  if (!value) return nb::none();
  if constexpr (std::is_same_v<Type, bool>) {
    return nb::bool_(*value);
  } else if constexpr (std::is_same_v<Type, std::vector<std::uint32_t>>) {
    nb::list numbers;
    for (const std::uint32_t number : *value) numbers.append(number);
    return numbers;
  } else {
    return nb::int_(static_cast<std::uint64_t>(*value));
  }
}

struct Setting {
  const char* name;
  const char* type;  // in a signature
  Setter set;
  Getter get;
  bool live;
};
template <class T>
constexpr const char* kType = "int";
template <>
constexpr const char* kType<bool> = "bool";
template <>
constexpr const char* kType<std::vector<std::uint32_t>> = "collections.abc.Sequence[int]";
template <>
constexpr const char* kType<quic::CongestionControl> = "msquic.enums.CongestionControl | int";
template <>
constexpr const char* kType<quic::StreamScheduling> = "msquic.enums.StreamScheduling | int";
template <>
constexpr const char* kType<quic::ServerResumption> = "msquic.enums.ServerResumptionLevel | int";

template <auto Member>
constexpr Setting setting(const char* name, bool live) {
  using Type = typename std::remove_reference_t<decltype(std::declval<quic::Settings&>().*Member)>::value_type;
  return {name, kType<Type>, &set_member<Member>, &get_member<Member>, live};
}
#define MSQUIC_PY_SETTING(name) setting<&quic::Settings::name>(#name, false)
#define MSQUIC_PY_LIVE_SETTING(name) setting<&quic::Settings::name>(#name, true)
// In the order of msquic.Settings.
constexpr Setting kSettings[] = {
    MSQUIC_PY_LIVE_SETTING(idle_timeout_ms),
    MSQUIC_PY_LIVE_SETTING(peer_bidi_stream_count),
    MSQUIC_PY_LIVE_SETTING(peer_unidi_stream_count),
    MSQUIC_PY_SETTING(datagram_receive_enabled),
    MSQUIC_PY_SETTING(server_resumption_level),
    MSQUIC_PY_SETTING(handshake_idle_timeout_ms),
    MSQUIC_PY_LIVE_SETTING(disconnect_timeout_ms),
    MSQUIC_PY_LIVE_SETTING(keep_alive_interval_ms),
    MSQUIC_PY_LIVE_SETTING(datagram_send_queue_bytes),
    MSQUIC_PY_SETTING(send_buffering_enabled),
    MSQUIC_PY_LIVE_SETTING(pacing_enabled),
    MSQUIC_PY_SETTING(migration_enabled),
    MSQUIC_PY_SETTING(ecn_enabled),
    MSQUIC_PY_SETTING(hystart_enabled),
    MSQUIC_PY_SETTING(grease_quic_bit_enabled),
    MSQUIC_PY_SETTING(congestion_control),
    MSQUIC_PY_LIVE_SETTING(stream_scheduling),
    MSQUIC_PY_SETTING(stream_recv_window),
    MSQUIC_PY_SETTING(stream_recv_window_bidi_local),
    MSQUIC_PY_SETTING(stream_recv_window_bidi_remote),
    MSQUIC_PY_SETTING(stream_recv_window_unidi),
    MSQUIC_PY_SETTING(stream_recv_buffer),
    MSQUIC_PY_SETTING(conn_flow_control_window),
    MSQUIC_PY_SETTING(max_ack_delay_ms),
    MSQUIC_PY_SETTING(initial_rtt_ms),
    MSQUIC_PY_SETTING(initial_window_packets),
    MSQUIC_PY_SETTING(send_idle_timeout_ms),
    MSQUIC_PY_LIVE_SETTING(dest_cid_update_idle_timeout_ms),
    MSQUIC_PY_SETTING(minimum_mtu),
    MSQUIC_PY_SETTING(maximum_mtu),
    MSQUIC_PY_LIVE_SETTING(mtu_discovery_search_complete_timeout_us),
    MSQUIC_PY_LIVE_SETTING(mtu_discovery_missing_probe_count),
    MSQUIC_PY_SETTING(max_bytes_per_key),
    MSQUIC_PY_SETTING(max_operations_per_drain),
    MSQUIC_PY_LIVE_SETTING(send_dscp),
    MSQUIC_PY_SETTING(quic_versions),
};
#undef MSQUIC_PY_LIVE_SETTING
#undef MSQUIC_PY_SETTING

std::string parameter(const Setting& setting) {
  return std::string(setting.name) + ": " + setting.type + " | None = None";
}

}  // namespace

std::string settings_parameters() {
  std::string text;
  std::size_t positional = std::size(kPositionalSettings);
  for (const Setting& setting : kSettings) {
    if (positional-- == 0) text += ", *";
    if (!text.empty()) text += ", ";
    text += parameter(setting);
  }
  return text;
}

std::string live_settings_parameters() {
  std::string text = "*";
  for (const Setting& setting : kSettings) {
    if (setting.live) text += ", " + parameter(setting);
  }
  return text;
}

nb::dict settings_dict(const quic::Settings& settings) {
  nb::dict result;
  for (const Setting& setting : kSettings) {
    if (nb::object value = setting.get(settings); !value.is_none()) result[setting.name] = std::move(value);
  }
  return result;
}

void set_setting(quic::Settings& settings, const char* name, nb::handle value) {
  for (const Setting& setting : kSettings) {
    if (std::strcmp(setting.name, name) != 0) continue;
    if (!value.is_none()) setting.set(settings, name, value);
    return;
  }
  raise_named("InvalidArgumentType", std::string("there is no setting called ") + name);
}

}  // namespace msquic_py::python

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace msquic_py::moqt::session {

/// Names one request (a subscription, a published namespace, an update …) of one session, whichever endpoint began
/// it. Never reused, never zero; independent of how a draft numbers requests on the wire.
struct RequestHandle {
  std::uint64_t value = 0;
  auto operator<=>(const RequestHandle&) const = default;
  explicit operator bool() const noexcept { return value != 0; }
};

/// Names a data stream that this endpoint writes. The session makes it before the transport has a stream; the
/// transport keeps the mapping. Never zero; a handle whose stream has ended is recognised as stale, not reused.
struct StreamHandle {
  std::uint64_t value = 0;
  auto operator<=>(const StreamHandle&) const = default;
  explicit operator bool() const noexcept { return value != 0; }
};

/// The transport's own number of a stream that the peer writes (the QUIC stream ID).
using IncomingStreamId = std::uint64_t;

/// Names a bidirectional stream that carries one request, where a draft has such streams (from 17 on). One that the
/// peer has opened has the transport's number, which is below 2^62; those of this endpoint are numbered by the session.
struct RequestStreamId {
  std::uint64_t value = 0;
  auto operator<=>(const RequestStreamId&) const = default;

  static constexpr std::uint64_t kOwn = std::uint64_t{1} << 63;
  static constexpr RequestStreamId own(std::uint64_t number) noexcept { return {kOwn | number}; }
  /// Whether this endpoint has opened it.
  [[nodiscard]] constexpr bool ours() const noexcept { return (value & kOwn) != 0; }
};

}  // namespace msquic_py::moqt::session

template <>
struct std::hash<msquic_py::moqt::session::RequestHandle> {
  std::size_t operator()(msquic_py::moqt::session::RequestHandle handle) const noexcept {
    return std::hash<std::uint64_t>{}(handle.value);
  }
};
template <>
struct std::hash<msquic_py::moqt::session::RequestStreamId> {
  std::size_t operator()(msquic_py::moqt::session::RequestStreamId stream) const noexcept {
    return std::hash<std::uint64_t>{}(stream.value);
  }
};
template <>
struct std::hash<msquic_py::moqt::session::StreamHandle> {
  std::size_t operator()(msquic_py::moqt::session::StreamHandle handle) const noexcept {
    return std::hash<std::uint64_t>{}(handle.value);
  }
};

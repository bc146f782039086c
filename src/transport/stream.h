#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/shared_bytes.h"
#include "transport/transport_error.h"

namespace msquic_py::transport {

enum class Direction : std::uint8_t { Bidirectional, Unidirectional };

/// Names a stream in the events of its connection. Chosen by the connection's user: for a stream of its own when it
/// opens it, for one of the peer when it hears of it.
using StreamKey = std::uint64_t;

/// The highest and the usual priority of a stream.
inline constexpr std::uint16_t kFirstPriority = 0xffff;
inline constexpr std::uint16_t kUsualPriority = 0x7fff;

/// A handle to a stream of a carrier. Calls on one stream come one at a time, on any thread, and never block. When the
/// handle goes, what is not finished is abandoned: reset and stopped, with code 0.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// Sends the concatenation of `slices`, and ends this direction if `fin`. Slices are kept by reference until
  /// on_sent(token), which follows once for every send that succeeded and had bytes or a fin. The first send lets the
  /// peer know of the stream. Up to 4 GiB - 1 at once.
  virtual Result<void> send(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) noexcept = 0;
  /// Gives up what has not arrived and tells the peer so, with `code` (at most 2^62 - 1), also of a stream that has
  /// sent nothing. Nothing happens when this direction has ended already.
  virtual void reset(std::uint64_t code) noexcept = 0;
  /// Asks the peer to send no more, with `code`; what still arrives is dropped.
  virtual void stop(std::uint64_t code) noexcept = 0;
  /// Delivers again after on_received() took less than it was offered. May be called before that has returned.
  virtual void resume_receive() noexcept = 0;
  /// 0 (last) to kFirstPriority among the connection's streams. Only where Capabilities::priorities is set.
  virtual void set_priority(std::uint16_t priority) noexcept = 0;
};

using StreamHandle = std::unique_ptr<Stream>;

}  // namespace msquic_py::transport

#pragma once

// What the functions of this package take from Python, checked by name: a bad argument is refused with an exception
// that says which one and what is allowed.

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/varint.h"
#include "object_buffer.h"
#include "quic/address.h"

namespace msquic_py::python {

/// The largest application error code (RFC 9000 section 16).
inline constexpr std::uint64_t kLargestCode = base::kVarintMax;

std::uint64_t unsigned_argument(nanobind::handle value, const char* name, std::uint64_t largest);
/// A combination of the bits of `allowed`.
unsigned flags_argument(nanobind::handle value, const char* name, unsigned allowed);
bool bool_argument(nanobind::handle value, const char* name);
std::string text_argument(nanobind::handle value, const char* name);
/// A DNS name or IP literal in ASCII: other names are converted as Python's codec "idna" does (RFC 3490).
std::string host_argument(nanobind::handle value, const char* name);
/// str, bytes or os.PathLike; None is the empty path.
std::string path_argument(nanobind::handle value, const char* name);
/// A sequence of str or bytes, 1 to 255 bytes each.
std::vector<std::string> alpn_argument(nanobind::handle value);
std::vector<std::string> text_sequence_argument(nanobind::handle value, const char* name);
/// A sequence of 32-bit numbers.
std::vector<std::uint32_t> numbers_argument(nanobind::handle value, const char* name);
/// An IP literal.
quic::Address address_argument(const std::string& text, std::uint16_t port, const char* name);
/// "192.0.2.1", or ("192.0.2.1", 4433).
quic::Address local_address_argument(nanobind::handle value);
/// Seconds, at least 0.
std::chrono::milliseconds timeout_argument(nanobind::handle value, const char* name);

/// A bytes-like object whose memory stays where it is while this object lives: a bytearray cannot be resized
/// meanwhile. Needs the GIL, the destructor included.
class HeldBuffer {
 public:
  /// Raises InvalidArgumentType when `data` has no contiguous buffer.
  HeldBuffer(nanobind::handle data, const char* name);
  HeldBuffer(const HeldBuffer&) = delete;
  HeldBuffer& operator=(const HeldBuffer&) = delete;
  ~HeldBuffer() { release_buffer(view_); }

  [[nodiscard]] base::Bytes bytes() const noexcept {
    return {static_cast<const std::uint8_t*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

}  // namespace msquic_py::python

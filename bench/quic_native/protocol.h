#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// What the benchmark programs say to each other, the same in C++ and in bench/python/bench_protocol.py. The ALPN of a
/// connection names the job. Numbers on the wire are 8 bytes, little endian.
namespace msquic_py::bench {

/// The client sends on one stream and ends it; the server answers with the number of bytes that it counted.
inline constexpr char kBulkSend[] = "bulk-send";
/// The client asks with a number, on one stream; the server sends that many bytes.
inline constexpr char kBulkReceive[] = "bulk-receive";
/// A stream for each request of 64 bytes; the server answers on it with 64 bytes.
inline constexpr char kRequests[] = "requests";
/// On a stream the client says how many datagrams it will send, and after how many it wants to hear. The server answers
/// with its count: 0 at once, then after each so many and after the last, and whenever the client ends the stream.
inline constexpr char kDatagrams[] = "datagrams";
/// Nothing but the handshake.
inline constexpr char kHandshakes[] = "handshakes";

inline constexpr std::array<const char*, 5> kAlpns{kBulkSend, kBulkReceive, kRequests, kDatagrams, kHandshakes};

/// What a bulk sender hands over at a time, and how many of those it keeps outstanding.
inline constexpr std::uint32_t kPieceSize = 1024 * 1024;
inline constexpr int kPiecesOutstanding = 8;

inline constexpr std::uint32_t kRequestSize = 64;

inline constexpr std::uint16_t kDatagramSize = 1100;
/// A sender lets as many datagrams be under way as the receiver's socket holds, and asks for the count this many times
/// in each such window.
inline constexpr std::uint64_t kCountsPerWindow = 4;

}  // namespace msquic_py::bench

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/shared_bytes.h"
#include "transport/memory/outgoing_half.h"

namespace msquic_py::transport::memory {

/// The direction of a stream that the peer writes: puts what arrives into order.
class IncomingHalf {
 public:
  explicit IncomingHalf(std::uint64_t window) noexcept : window_(window), limit_(window) {}

  /// False when the peer has sent more than it was admitted.
  [[nodiscard]] bool receive(const Chunk& chunk);
  /// The peer has sent `final_size` bytes and sends no more. What is not read yet is lost.
  void reset(std::uint64_t final_size);
  /// What still arrives is dropped, and counts as read.
  void stop();

  struct Available {
    std::vector<base::Bytes> chunks;
    std::uint64_t size = 0;
    bool fin = false;
  };
  /// What comes next in order.
  [[nodiscard]] Available available() const;
  /// The reader has taken so many bytes of it, and the fin if there was one and it took everything.
  void consume(std::uint64_t bytes, bool fin);
  /// A limit that the peer has to be told of: half of the window has been read since the last one.
  std::optional<std::uint64_t> take_new_limit();
  /// Bytes by which consumed() has grown since the last call.
  std::uint64_t take_read();

  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// The size is known and nothing is missing, or nobody waits for what is.
  [[nodiscard]] bool finished() const noexcept {
    return done_ || (stopped_ && final_size_ && highest_ >= *final_size_);
  }

  bool paused = false;  ///< the reader has taken less than it was offered

 private:
  void drop();

  std::map<std::uint64_t, base::SharedBytes> segments_;  // by offset; they do not overlap
  std::uint64_t consumed_ = 0;
  std::uint64_t told_ = 0;  // of consumed_, to take_read()
  std::uint64_t highest_ = 0;
  std::optional<std::uint64_t> final_size_;
  std::uint64_t window_;
  std::uint64_t limit_;
  bool stopped_ = false;
  bool done_ = false;
};

}  // namespace msquic_py::transport::memory

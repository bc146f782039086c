#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "base/result.h"
#include "media/libav.h"

namespace msquic_py::apps {

/// Finds out when the frames of a video stream are shown whose container does not say (Annex B, AVI): by decoding
/// them. The pictures come out of a decoder in the order in which they are shown; the n-th of them takes the time
/// that the container gives the n-th packet.
class FrameOrder {
 public:
  /// `codec` must outlive this. An error when FFmpeg has no decoder for it.
  static base::Result<FrameOrder, std::string> create(const AVCodecParameters& codec);

  /// A packet whose dts and duration are set.
  void push(const AVPacket& packet);
  /// No packet follows.
  void end();
  /// The next packet, in the order of decoding, with both times; nothing when later ones are needed first. A frame
  /// that can't be decoded is taken to be shown when it is decoded.
  std::optional<Packet> take();

 private:
  FrameOrder(CodecContext decoder, int delay) : decoder_(std::move(decoder)), delay_(delay) {}
  void receive();
  void feed(const AVPacket* packet);

  /// Pictures that a decoder may hold back: what is older has been lost.
  static constexpr std::uint64_t kMostHeld = 64;

  CodecContext decoder_;
  int delay_;                 ///< pictures that are decoded ahead of one shown earlier
  std::uint64_t pushed_ = 0;  ///< packets so far
  std::uint64_t shown_ = 0;   ///< pictures so far
  bool ended_ = false;
  std::deque<Packet> waiting_;                    ///< the packets `pushed_ - waiting_.size()` and following
  std::map<std::uint64_t, std::uint64_t> ranks_;  ///< of a packet: which of the pictures shown it is
  std::map<std::uint64_t, std::int64_t> times_;   ///< of a packet, by the container
  Frame picture_ = new_frame();
};

}  // namespace msquic_py::apps

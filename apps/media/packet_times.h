#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "media/frame_order.h"
#include "media/libav.h"

namespace msquic_py::apps {

/// Gives the packets of one stream the times that their container leaves out: Matroska says when frames are shown, but
/// not when they are decoded, AVI the reverse, and an elementary stream neither.
class PacketTimes {
 public:
  /// `codec` must outlive this.
  PacketTimes(const AVCodecParameters& codec, AVRational time_base, AVRational frame_rate)
      : codec_(codec), time_base_(time_base), frame_rate_(frame_rate) {}

  void push(Packet packet);
  /// No packet follows.
  void end();
  /// The next packet, with both times and a duration; nothing when later ones are needed first.
  std::optional<Packet> take();

 private:
  static constexpr std::size_t kMostHeld = 64;

  [[nodiscard]] bool reorders() const noexcept { return video() && codec_.video_delay > 0; }
  [[nodiscard]] bool video() const noexcept { return codec_.codec_type == AVMEDIA_TYPE_VIDEO; }
  [[nodiscard]] std::int64_t usual_duration(const AVPacket& packet) const;
  void give(Packet packet);
  /// Decode times for the packets held, of which the one after the last is decoded at `next`; nothing: not known.
  void release_held(std::optional<std::int64_t> next);

  const AVCodecParameters& codec_;
  AVRational time_base_, frame_rate_;
  std::deque<Packet> held_;  ///< without a decode time
  std::deque<Packet> ready_;
  std::optional<FrameOrder> order_;  ///< finds out when frames are shown
  std::optional<std::int64_t> last_decoded_;
  std::int64_t last_duration_ = 0;
};

}  // namespace msquic_py::apps

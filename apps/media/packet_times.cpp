#include "media/packet_times.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace msquic_py::apps {

std::int64_t PacketTimes::usual_duration(const AVPacket& packet) const {
  if (video()) return frame_rate_.num > 0 ? av_rescale_q(1, av_inv_q(frame_rate_), time_base_) : last_duration_;
  const int samples = av_get_audio_frame_duration2(const_cast<AVCodecParameters*>(&codec_), packet.size);
  return samples > 0 && codec_.sample_rate > 0 ? av_rescale_q(samples, {1, codec_.sample_rate}, time_base_) : 0;
}

void PacketTimes::push(Packet packet) {
  if (packet->duration <= 0) packet->duration = usual_duration(*packet);
  const bool shown = packet->pts != AV_NOPTS_VALUE;
  if (packet->dts == AV_NOPTS_VALUE) {
    if (shown && reorders() && !last_decoded_) {
      held_.push_back(std::move(packet));
      if (held_.size() >= kMostHeld) release_held(std::nullopt);
      return;
    }
    packet->dts = last_decoded_          ? *last_decoded_ + std::max<std::int64_t>(last_duration_, 1)
                  : shown && !reorders() ? packet->pts
                                         : 0;
  }
  if (!held_.empty()) release_held(packet->dts);
  give(std::move(packet));
}

void PacketTimes::release_held(std::optional<std::int64_t> next) {
  if (next) {
    for (auto packet = held_.rbegin(); packet != held_.rend(); ++packet) {
      *next -= std::max<std::int64_t>((*packet)->duration, 1);
      (*packet)->dts = *next;
    }
  } else {
    // The n-th is decoded when the n-th of those shown is, as much earlier as none is decoded too late.
    std::vector<std::int64_t> times;
    for (const Packet& packet : held_) times.push_back(packet->pts);
    std::sort(times.begin(), times.end());
    std::int64_t late = 0;
    for (std::size_t i = 0; i < times.size(); ++i) late = std::max(late, times[i] - held_[i]->pts);
    for (std::size_t i = 0; i < times.size(); ++i) held_[i]->dts = times[i] - late;
  }
  for (Packet& packet : std::exchange(held_, {})) give(std::move(packet));
}

void PacketTimes::give(Packet packet) {
  const bool first = !last_decoded_;
  last_decoded_ = packet->dts;
  last_duration_ = packet->duration;
  if (packet->pts == AV_NOPTS_VALUE && reorders() && first) {
    if (auto order = FrameOrder::create(codec_)) order_.emplace(std::move(order).value());
  }
  if (order_) return order_->push(*packet);
  if (packet->pts == AV_NOPTS_VALUE) packet->pts = packet->dts;
  ready_.push_back(std::move(packet));
}

void PacketTimes::end() {
  if (!held_.empty()) release_held(std::nullopt);
  if (order_) order_->end();
}

std::optional<Packet> PacketTimes::take() {
  if (!ready_.empty()) {
    Packet packet = std::move(ready_.front());
    ready_.pop_front();
    return packet;
  }
  return order_ ? order_->take() : std::nullopt;
}

}  // namespace msquic_py::apps

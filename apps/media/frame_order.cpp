#include "media/frame_order.h"

#include <algorithm>
#include <string>
#include <utility>

namespace msquic_py::apps {

base::Result<FrameOrder, std::string> FrameOrder::create(const AVCodecParameters& codec) {
  const AVCodec* decoder = avcodec_find_decoder(codec.codec_id);
  CodecContext context(decoder == nullptr ? nullptr : avcodec_alloc_context3(decoder));
  if (!context || avcodec_parameters_to_context(context.get(), &codec) < 0)
    return base::Failure{std::string("this FFmpeg can't decode ") + avcodec_get_name(codec.codec_id)};
  context->thread_count = 1;  // a picture comes out as early as it can
  context->skip_loop_filter = AVDISCARD_ALL;
  const int opened = avcodec_open2(context.get(), decoder, nullptr);
  if (opened < 0) return base::Failure{libav_error(opened)};
  return FrameOrder(std::move(context), std::max(codec.video_delay, 1));
}

void FrameOrder::feed(const AVPacket* packet) {
  while (avcodec_send_packet(decoder_.get(), packet) == AVERROR(EAGAIN)) receive();
  receive();
}

void FrameOrder::receive() {
  while (avcodec_receive_frame(decoder_.get(), picture_.get()) >= 0) {
    if (picture_->pts >= 0) ranks_.emplace(static_cast<std::uint64_t>(picture_->pts), shown_);
    ++shown_;
    av_frame_unref(picture_.get());
  }
}

void FrameOrder::push(const AVPacket& packet) {
  const std::uint64_t number = pushed_++;
  waiting_.push_back(reference_to(packet));
  times_[number] = packet.dts;
  const Packet numbered = reference_to(packet);
  numbered->pts = static_cast<std::int64_t>(number);
  numbered->dts = AV_NOPTS_VALUE;
  feed(numbered.get());
}

void FrameOrder::end() {
  ended_ = true;
  feed(nullptr);
}

std::optional<Packet> FrameOrder::take() {
  if (waiting_.empty()) return std::nullopt;
  const std::uint64_t number = pushed_ - waiting_.size();
  const auto rank = ranks_.find(number);
  if (rank == ranks_.end() && !ended_ && waiting_.size() < kMostHeld) return std::nullopt;
  Packet packet = std::move(waiting_.front());
  waiting_.pop_front();
  // What is shown n-th is shown at the time of the n-th packet, and everything is decoded `delay_` pictures ahead.
  const std::uint64_t shown = rank == ranks_.end() ? number : rank->second;
  const auto time = times_.find(shown);
  packet->pts = time == times_.end() ? packet->dts : time->second;
  packet->dts -= delay_ * packet->duration;
  ranks_.erase(number);
  times_.erase(times_.begin(), times_.lower_bound(number > kMostHeld ? number - kMostHeld : 0));
  return packet;
}

}  // namespace msquic_py::apps

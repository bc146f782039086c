#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "media/libav.h"

struct AVFilterContext;
struct AVFilterGraph;

namespace msquic_py::apps {

/// Decodes one stream and encodes it anew: video as H.264 with a key frame each second and no B-frames, sound as AAC.
/// Times stay those of the frames.
class Transcoder {
 public:
  /// Takes a packet. An error ends the transcoding.
  using Take = std::function<base::Result<bool, std::string>(AVPacket&)>;

  /// `codec` must outlive this. The error says what FFmpeg lacks.
  static base::Result<std::unique_ptr<Transcoder>, std::string> create(const AVCodecParameters& codec,
                                                                       AVRational time_base, AVRational frame_rate);
  Transcoder(const Transcoder&) = delete;
  Transcoder& operator=(const Transcoder&) = delete;
  ~Transcoder();

  /// Of what comes out.
  [[nodiscard]] CodecParameters codec() const;
  [[nodiscard]] AVRational time_base() const noexcept { return encoder_->time_base; }
  /// Packets that come of it go to `take`; false from there ends it, and comes back. Null: no packet follows. What
  /// can't be decoded is left out and counted.
  base::Result<bool, std::string> push(const AVPacket* packet, const Take& take);
  [[nodiscard]] std::uint64_t undecodable() const noexcept { return undecodable_; }

 private:
  Transcoder() = default;
  base::Result<void, std::string> open_video(AVRational frame_rate);
  base::Result<void, std::string> open_audio();
  /// A graph that turns frames like this one into what the encoder takes.
  base::Result<void, std::string> build_graph(const AVFrame& frame);
  base::Result<bool, std::string> filter(AVFrame* frame, const Take& take);
  base::Result<bool, std::string> encode(const AVFrame* frame, const Take& take);

  CodecContext decoder_;
  CodecContext encoder_;
  AVRational source_time_base_{0, 1};
  bool video_ = false;
  AVFilterGraph* graph_ = nullptr;
  AVFilterContext* source_ = nullptr;
  AVFilterContext* sink_ = nullptr;
  Frame decoded_ = new_frame();
  Frame filtered_ = new_frame();
  Packet encoded_ = new_packet();
  int graph_width_ = 0, graph_height_ = 0, graph_format_ = -1, graph_rate_ = 0;
  std::uint64_t undecodable_ = 0;
};

}  // namespace msquic_py::apps

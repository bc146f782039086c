#pragma once

#include <memory>
#include <string>

// FFmpeg's libraries: containers and codecs. Their headers are C.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace msquic_py::apps {

struct LibavFree {
  void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
  void operator()(AVCodecContext* context) const noexcept { avcodec_free_context(&context); }
  void operator()(AVCodecParameters* parameters) const noexcept { avcodec_parameters_free(&parameters); }
};
using Packet = std::unique_ptr<AVPacket, LibavFree>;
using Frame = std::unique_ptr<AVFrame, LibavFree>;
using CodecContext = std::unique_ptr<AVCodecContext, LibavFree>;
using CodecParameters = std::unique_ptr<AVCodecParameters, LibavFree>;

Packet new_packet();
/// A second reference to the same bytes.
Packet reference_to(const AVPacket& packet);
Frame new_frame();
CodecParameters copy_of(const AVCodecParameters& parameters);

/// Samples at the beginning of a packet of sound that are not heard.
std::uint32_t samples_to_skip(const AVPacket& packet);

/// What FFmpeg calls an error.
std::string libav_error(int error);

/// What FFmpeg has to say goes here instead of to standard error: the last complaint is kept, to be part of a message.
/// Once per process, before any other thread uses FFmpeg.
void keep_libav_complaints();
/// The last complaint, at most once; empty when there was none.
std::string take_libav_complaint();
/// Whether a demultiplexer complained that its input ends before it should, since this was asked last. Some, such as
/// Matroska's, say that in no other way.
bool take_libav_cut();

}  // namespace msquic_py::apps

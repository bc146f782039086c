#include "media/libav.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

namespace msquic_py::apps {
namespace {

struct Complaints {
  std::mutex mutex;
  std::string last;
  bool cut = false;
};

Complaints& complaints() {
  static Complaints only;
  return only;
}

void on_log(void* context, int level, const char* format, std::va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  std::array<char, 512> line{};
  int prefix = 1;
  va_list copy;
  va_copy(copy, arguments);
  av_log_format_line2(context, level, format, copy, line.data(), static_cast<int>(line.size()), &prefix);
  va_end(copy);
  std::string text(line.data());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // "[name @ address] message": the address tells a user nothing.
  if (const auto end = text.find("] "); text.starts_with('[') && end != std::string::npos) text.erase(0, end + 2);
  auto& kept = complaints();
  const std::lock_guard lock(kept.mutex);
  if (text.find("ended prematurely") != std::string::npos) kept.cut = true;
  kept.last = std::move(text);
}

template <class T>
T* allocated(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

}  // namespace

Packet new_packet() { return Packet(allocated(av_packet_alloc())); }
Packet reference_to(const AVPacket& packet) { return Packet(allocated(av_packet_clone(&packet))); }
Frame new_frame() { return Frame(allocated(av_frame_alloc())); }

CodecParameters copy_of(const AVCodecParameters& parameters) {
  CodecParameters copy(allocated(avcodec_parameters_alloc()));
  if (avcodec_parameters_copy(copy.get(), &parameters) < 0) throw std::bad_alloc();
  return copy;
}

std::uint32_t samples_to_skip(const AVPacket& packet) {
#if LIBAVCODEC_VERSION_MAJOR >= 59
  std::size_t size = 0;
#else
  int size = 0;
#endif
  const std::uint8_t* data = av_packet_get_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
  if (data == nullptr || size < 4) return 0;
  return data[0] | std::uint32_t{data[1]} << 8 | std::uint32_t{data[2]} << 16 | std::uint32_t{data[3]} << 24;
}

std::string libav_error(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

void keep_libav_complaints() { av_log_set_callback(on_log); }

std::string take_libav_complaint() {
  auto& kept = complaints();
  const std::lock_guard lock(kept.mutex);
  return std::exchange(kept.last, {});
}

bool take_libav_cut() {
  auto& kept = complaints();
  const std::lock_guard lock(kept.mutex);
  return std::exchange(kept.cut, false);
}

}  // namespace msquic_py::apps

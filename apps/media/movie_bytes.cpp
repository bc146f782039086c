#include "media/movie_bytes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace msquic_py::apps {
namespace {

/// The box types that an MP4, MOV or CMAF begins with; anything else is another container.
constexpr std::array kFirstBoxes{four_cc("ftyp"), four_cc("styp"), four_cc("moov"), four_cc("moof"), four_cc("mdat"),
                                 four_cc("free"), four_cc("skip"), four_cc("wide"), four_cc("pnot"), four_cc("sidx"),
                                 four_cc("uuid"), four_cc("emsg"), four_cc("prft"), four_cc("pdin"), four_cc("meta")};

std::string text_of(std::uint32_t type) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(type >> shift & 0xff);
  return text;
}

bool plausible(const BoxHeader& box) {
  if (box.size != 0 && box.size < box.header_size) return false;
  const std::string type = text_of(box.type);
  return std::all_of(type.begin(), type.end(),
                     [](char c) { return std::isprint(static_cast<unsigned char>(c)) != 0 || c == '\xa9'; });
}

}  // namespace

base::Result<MovieBytes, std::string> MovieBytes::open(InputFile file) {
  MovieBytes bytes(std::move(file));
  // A header at least, however little a pipe brings at a time.
  bytes.ahead_.resize(16);
  std::size_t have = 0;
  while (have < 8) {
    auto size = bytes.file_.read(std::span(bytes.ahead_).subspan(have));
    if (!size) return base::Failure{size.error()};
    if (*size == 0) break;
    have += *size;
  }
  bytes.ahead_.resize(have);
  if (have == 0) return base::Failure{std::string("the input is empty: there is nothing to publish")};
  if (have >= 8) {
    BoxHeader first;
    for (std::size_t i = 4; i < 8; ++i) first.type = first.type << 8 | bytes.ahead_[i];
    bytes.boxes_ = std::find(kFirstBoxes.begin(), kFirstBoxes.end(), first.type) != kFirstBoxes.end();
  }
  if (bytes.seekable()) {
    bytes.ahead_.clear();
    bytes.end_ = bytes.file_.size();
    if (bytes.boxes_) bytes.scan_file();
    (void)bytes.seek(0);
  }
  return bytes;
}

void MovieBytes::fail(std::string why) {
  if (damage_.empty()) damage_ = std::move(why);
}

bool MovieBytes::note(const BoxHeader& box, std::uint64_t position, std::uint64_t end) {
  if (moov_ && (box.type == four_cc("ftyp") || box.type == four_cc("moov"))) return false;
  if (box.type == four_cc("moov")) {
    moov_ = true;
    moov_at_ = {position + box.header_size, end};
  }
  if (box.type == four_cc("moof")) fragmented_ = true;
  if (box.type == four_cc("mdat") && !moov_) index_last_ = true;
  if (box.type == four_cc("mdat")) media_data_.push_back({position + box.header_size - begin_, end - begin_});
  return true;
}

/// Finds the end of the present movie by its boxes, before any of it is read.
void MovieBytes::scan_file() {
  moov_ = fragmented_ = index_last_ = false;
  media_data_.clear();
  moov_read_.clear();
  std::uint64_t position = begin_;
  std::array<std::uint8_t, 16> bytes{};
  while (position < file_.size()) {
    std::size_t have = 0;
    if (!file_.seek(position)) break;
    while (have < bytes.size()) {
      const auto size = file_.read(std::span(bytes).subspan(have));
      if (!size || *size == 0) break;
      have += *size;
    }
    const auto box = read_box_header(base::Bytes(bytes).first(have));
    if (!box || !plausible(*box)) {
      fail("a box at byte " + std::to_string(position) + " is damaged");
      break;
    }
    const std::uint64_t end = box->size == 0 ? file_.size() : position + box->size;
    if (!note(*box, position, std::min(end, file_.size()))) break;
    if (end > file_.size() || end < position) {
      fail("it is cut: " + std::to_string(end - file_.size()) + " bytes of its last box ('" + text_of(box->type) +
           "') are missing");
      position = file_.size();
      break;
    }
    position = end;
  }
  end_ = std::min(position, file_.size());
}

std::size_t MovieBytes::take(std::span<std::uint8_t> buffer) {
  if (ahead_taken_ < ahead_.size()) {
    const std::size_t size = std::min(buffer.size(), ahead_.size() - ahead_taken_);
    std::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(ahead_taken_), size, buffer.begin());
    ahead_taken_ += size;
    position_ += size;
    return size;
  }
  if (ended_ || buffer.empty()) return 0;
  const auto size = file_.read(buffer);
  if (!size) fail(size.error());
  if (!size || *size == 0) {
    ended_ = true;
    return 0;
  }
  position_ += *size;
  return *size;
}

bool MovieBytes::fill_header(std::size_t size) {
  while (header_.size() < size) {
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t got = take(std::span(bytes).first(size - header_.size()));
    if (got == 0) return false;
    header_.insert(header_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return true;
}

bool MovieBytes::next_box() {
  header_.clear();
  header_given_ = 0;
  const std::uint64_t position = position_;
  bool whole = fill_header(8);
  if (!whole && header_.empty()) return false;
  std::optional<BoxHeader> box;
  if (whole) {
    box = read_box_header(header_);
    if (!box) {
      whole = fill_header(16);
      box = read_box_header(header_);
    }
  }
  if (!box || !plausible(*box)) {
    fail(whole ? "a box at byte " + std::to_string(position) + " is damaged"
               : std::string("it is cut inside of a box"));
    ended_ = true;
    header_.clear();
    return false;
  }
  box_type_ = box->type;
  box_left_ = box->size == 0 ? kToTheEnd : box->size - box->header_size;
  const std::uint64_t end = box->size == 0 ? kToTheEnd : position + box->size;
  if (!note(*box, position, end)) {
    box_pending_ = true;
    return false;
  }
  if (media_data_.size() > kRangesKept) media_data_.pop_front();
  return true;
}

std::size_t MovieBytes::read(std::span<std::uint8_t> buffer) {
  if (!boxes_ || seekable()) {
    const std::uint64_t left = end_ == kToTheEnd ? kToTheEnd : end_ - std::min(end_, position_);
    return take(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left))));
  }
  if (box_pending_) return 0;
  if (header_given_ == header_.size() && box_left_ == 0 && !next_box()) return 0;
  if (header_given_ < header_.size()) {
    const std::size_t size = std::min(buffer.size(), header_.size() - header_given_);
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(header_given_), size, buffer.begin());
    header_given_ += size;
    return size;
  }
  const std::size_t size =
      take(buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), box_left_))));
  if (size == 0) {
    if (box_left_ != kToTheEnd) {
      fail("it is cut: " + std::to_string(box_left_) + " bytes of its last box ('" + text_of(box_type_) +
           "') are missing");
    }
    ended_in_open_box_ = box_left_ == kToTheEnd;
    box_left_ = 0;
    return 0;
  }
  if (box_type_ == four_cc("moov") && moov_read_.size() + size <= kLargestMovieBox) {
    moov_read_.insert(moov_read_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  }
  if (box_left_ != kToTheEnd) box_left_ -= size;
  return size;
}

base::ByteVector MovieBytes::take_movie_box() {
  if (!seekable()) return std::exchange(moov_read_, {});
  base::ByteVector payload;
  const std::uint64_t before = position_;
  if (!moov_ || moov_at_.end - moov_at_.begin > kLargestMovieBox || !file_.seek(moov_at_.begin)) return payload;
  payload.resize(static_cast<std::size_t>(moov_at_.end - moov_at_.begin));
  std::size_t have = 0;
  while (have < payload.size()) {
    const auto size = file_.read(std::span(payload).subspan(have));
    if (!size || *size == 0) break;
    have += *size;
  }
  payload.resize(have);
  (void)file_.seek(before);
  return payload;
}

bool MovieBytes::seek(std::uint64_t position) {
  if (!file_.seek(begin_ + position)) return false;
  position_ = begin_ + position;
  ended_ = false;
  return true;
}

bool MovieBytes::next_movie() {
  if (!boxes_) return false;
  if (seekable()) {
    if (end_ >= file_.size() || !damage_.empty()) return false;
    begin_ = end_;
    scan_file();
    return seek(0);
  }
  if (!box_pending_) {  // what the demultiplexer had no use for
    std::array<std::uint8_t, 4096> rest{};
    while (read(rest) > 0) {
    }
  }
  if (!std::exchange(box_pending_, false)) return false;
  begin_ = position_ - header_.size();
  moov_ = fragmented_ = index_last_ = false;
  media_data_.clear();
  moov_read_.clear();
  if (const auto box = read_box_header(header_)) (void)note(*box, begin_, begin_ + box->size);
  return true;
}

bool MovieBytes::inside_media_data(std::uint64_t position, std::uint64_t size) const noexcept {
  if (media_data_.empty() || position < media_data_.front().begin) return !seekable() || media_data_.empty();
  const auto after = std::upper_bound(media_data_.begin(), media_data_.end(), position,
                                      [](std::uint64_t at, const Range& range) { return at < range.begin; });
  const Range& range = *std::prev(after);
  return position + size <= range.end;
}

}  // namespace msquic_py::apps

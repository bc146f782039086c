#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "media/box.h"
#include "media/input_file.h"

namespace msquic_py::apps {

/// The bytes of an input as a demultiplexer reads them. Where they are boxes (MP4, MOV, CMAF), they are given one
/// movie at a time: a second "ftyp" or "moov", of an encoder that was restarted or of files that were joined, begins
/// another one, which demultiplexers would pass over. The boxes are watched on the way: what is cut or damaged is
/// known afterwards, which demultiplexers take for the end. Any other input is one movie.
class MovieBytes {
 public:
  /// Reads the beginning of the input to see what it is. An error: it can't be read, or is empty.
  static base::Result<MovieBytes, std::string> open(InputFile file);

  /// Bytes of the present movie; 0 at its end. An error of the system counts as the end and as damage.
  std::size_t read(std::span<std::uint8_t> buffer);
  [[nodiscard]] bool seekable() const noexcept { return file_.seekable(); }
  /// Of the present movie; only when seekable.
  [[nodiscard]] std::uint64_t size() const noexcept { return end_ - begin_; }
  /// Position in the present movie; only when seekable.
  bool seek(std::uint64_t position);

  [[nodiscard]] bool boxes() const noexcept { return boxes_; }
  /// The present movie has "moof" boxes so far; one that can be read from its end has them all.
  [[nodiscard]] bool fragmented() const noexcept { return fragmented_; }
  [[nodiscard]] bool has_movie_box() const noexcept { return moov_; }
  /// The payload of the "moov" box, as far as it has been read; of an input that can be read anywhere, all of it. Once.
  [[nodiscard]] base::ByteVector take_movie_box();
  /// Media data came before the "moov" that describes them: not to be read in one go.
  [[nodiscard]] bool index_last() const noexcept { return index_last_; }
  /// Goes on to the next movie, after the present one has been read to its end. False when there is none.
  bool next_movie();
  /// What is wrong with the part of the input seen so far; empty when nothing.
  [[nodiscard]] const std::string& damage() const noexcept { return damage_; }
  /// What was read last was a box whose size is 0: it reached to the end of a pipe.
  [[nodiscard]] bool ended_in_open_box() const noexcept { return ended_in_open_box_; }
  /// Whether bytes of the present movie lie inside of one "mdat", as a sample's must. Not known: true.
  [[nodiscard]] bool inside_media_data(std::uint64_t position, std::uint64_t size) const noexcept;

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  static constexpr std::uint64_t kToTheEnd = ~std::uint64_t{0};
  static constexpr std::uint64_t kLargestMovieBox = 256 * 1024 * 1024;
  static constexpr std::size_t kRangesKept = 4096;  ///< of an input that is read once; samples follow their box closely

  explicit MovieBytes(InputFile file) : file_(std::move(file)) {}
  std::size_t take(std::span<std::uint8_t> buffer);
  /// Reads on until `header_` holds `size` bytes; false at the end of the input.
  bool fill_header(std::size_t size);
  /// The next box header is in `header_`; false at the end of the movie.
  bool next_box();
  /// What a box means for the movie. False: it belongs to the next one.
  bool note(const BoxHeader& box, std::uint64_t position, std::uint64_t end);
  void scan_file();
  void fail(std::string why);

  InputFile file_;
  base::ByteVector ahead_;  ///< read to see what it is, not given out yet
  std::size_t ahead_taken_ = 0;
  bool boxes_ = false;
  bool ended_ = false;  ///< nothing more can be read
  std::string damage_;

  // The present movie. Positions are those of the input.
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = kToTheEnd;
  std::uint64_t position_ = 0;
  bool moov_ = false;
  Range moov_at_;               ///< its payload; only when seekable
  base::ByteVector moov_read_;  ///< when not
  bool fragmented_ = false;
  bool index_last_ = false;
  std::deque<Range> media_data_;

  // Reading once, box by box.
  base::ByteVector header_;
  std::size_t header_given_ = 0;
  bool ended_in_open_box_ = false;
  std::uint64_t box_left_ = 0;  ///< payload of the present box; kToTheEnd: until the input ends
  std::uint32_t box_type_ = 0;
  bool box_pending_ = false;  ///< `header_` begins the next movie
};

}  // namespace msquic_py::apps

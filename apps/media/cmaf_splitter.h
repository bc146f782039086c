#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace msquic_py::apps {

/// One movie fragment ("moof" and its "mdat") of a fragmented MP4.
struct CmafFragment {
  base::ByteVector bytes;
  bool starts_group = false;                 ///< its first video sample is a sync sample
  std::chrono::microseconds decode_time{0};  ///< base media decode time of the video track
};

/// Cuts a fragmented MP4 (CMAF) that arrives in pieces into its initialization segment and its fragments.
///
/// Feed bytes with push(), then take fragments with next() until it returns nothing. The initialization segment is
/// available from the first fragment on. With several tracks in the file the video track decides where groups start;
/// a file without video starts a group at every fragment.
class CmafSplitter {
 public:
  void push(base::Bytes bytes);

  /// The next complete fragment, nothing when more bytes are needed, or why the input can't be used
  /// (not an MP4, a progressive MP4, a damaged box). After an error the splitter is of no further use.
  base::Result<std::optional<CmafFragment>, std::string> next();

  /// After an error: it was that the samples are not in fragments, so the file can be cut into fragments first.
  [[nodiscard]] bool is_progressive() const noexcept { return progressive_; }
  /// "ftyp" and "moov"; empty before they have arrived.
  [[nodiscard]] base::Bytes initialization() const noexcept { return initialization_; }

 private:
  base::Result<void, std::string> read_tracks();
  void describe(CmafFragment& fragment) const;

  base::ByteVector buffer_;
  std::size_t consumed_ = 0;
  base::ByteVector initialization_;
  base::ByteVector prefix_;  ///< boxes such as styp and prft that belong to the fragment that follows
  base::ByteVector moof_;
  bool have_moov_ = false;
  bool progressive_ = false;
  std::uint32_t video_track_ = 0;  ///< 0: the file has no video
  std::uint32_t video_timescale_ = 0;
  std::uint32_t video_default_flags_ = 0;
};

/// `object` without a leading initialization segment, which a publisher repeats at the start of each group.
base::Bytes without_initialization(base::Bytes object) noexcept;

}  // namespace msquic_py::apps

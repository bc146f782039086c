#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/decoded.h"
#include "base/shared_bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/location.h"
#include "moqt/model/object_status.h"
#include "moqt/wire/chunk_cursor.h"
#include "moqt/wire/fetch_stream.h"
#include "moqt/wire/subgroup.h"

namespace msquic_py::moqt::wire {

struct Codec;
const Codec& codec_for(Draft draft) noexcept;

/// The beginning of an object on a stream. `header` holds the bytes as received, up to the payload.
struct ObjectStart {
  std::uint64_t object_id = 0;       ///< absolute
  std::uint64_t payload_length = 0;  ///< 0: the object is complete with this event
  ObjectStatus status = ObjectStatus::kNormal;
  base::SharedBytes header;
  std::uint32_t delta_size = 0;         ///< bytes of the Object ID Delta at the front of `header` (subgroups only)
  std::uint32_t extensions_offset = 0;  ///< of the raw extension block in `header`
  std::uint32_t extensions_size = 0;

  /// Raw block, without its length.
  [[nodiscard]] base::Bytes extensions() const noexcept {
    return header.view().subspan(extensions_offset, extensions_size);
  }
  [[nodiscard]] base::SharedBytes shared_extensions() const noexcept {
    return header.slice(extensions_offset, extensions_size);
  }
  /// What is the same for every subscriber: the header behind its Object ID Delta (subgroups only).
  [[nodiscard]] base::SharedBytes header_after_delta() const noexcept { return header.from(delta_size); }
};

/// The beginning of an object on a fetch stream: with what a subgroup stream says once, in its header.
struct FetchObjectStart {
  ObjectStart object;
  std::uint64_t group_id = 0;
  std::uint64_t subgroup_id = 0;
  std::uint8_t publisher_priority = 128;
  std::uint16_t flags = 0;  ///< FetchSerializationFlags as received
  bool datagram = false;    ///< from draft 16 on: it was a datagram; subgroup_id is its Object ID

  [[nodiscard]] Location location() const noexcept { return {group_id, object.object_id}; }
};

/// The next bytes of the payload of the object that started last.
struct ObjectPayload {
  base::SharedBytes bytes;
  bool last = false;  ///< the object is complete with them
};

/// Limits of a receiver, not of the draft.
struct ObjectStreamLimits {
  std::size_t max_extensions_size = 16 * 1024 * 1024;  ///< beyond it next() is violated, see is_receiver_limit()
};

/// Objects of a subgroup stream behind its header, from chunks cut anywhere.
///
///   decoder.feed(chunk);
///   while (auto event = decoder.next()) …   // until it needs more, or is violated
///
/// Payload is passed on by reference as it arrives; headers too, when they lie in one chunk. No allocation then.
class SubgroupStreamDecoder {
 public:
  using Event = std::variant<ObjectStart, ObjectPayload>;

  SubgroupStreamDecoder(const Codec& codec, bool has_extensions, ObjectStreamLimits limits = {}) noexcept
      : codec_(&codec), has_extensions_(has_extensions), limits_(limits) {}
  SubgroupStreamDecoder(Draft draft, bool has_extensions, ObjectStreamLimits limits = {}) noexcept
      : SubgroupStreamDecoder(codec_for(draft), has_extensions, limits) {}

  /// The next bytes of the stream. The previous chunk has been read to its end: next() said NeedMore.
  void feed(base::SharedBytes chunk) { cursor_.feed(std::move(chunk)); }
  base::Decoded<Event> next();
  /// For a stream that ended with FIN: the violation if that was in the middle of an object [d15 §10.4].
  [[nodiscard]] std::optional<base::Violation> finish() const noexcept;

  /// Bytes of an object header that is not complete yet, kept until it is.
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return cursor_.kept_bytes(); }
  /// The Object ID of the object that started last.
  [[nodiscard]] std::optional<std::uint64_t> last_object_id() const noexcept { return previous_object_id_; }

 private:
  const Codec* codec_;
  bool has_extensions_;
  ObjectStreamLimits limits_;
  ChunkCursor cursor_;
  std::optional<std::uint64_t> previous_object_id_;
  std::uint64_t payload_left_ = 0;
};

/// Objects of a fetch stream behind its header; otherwise as SubgroupStreamDecoder. `order` is that of the fetch, from
/// which drafts from 18 on count Group IDs. From draft 16 on the ends of ranges come between the objects.
class FetchStreamDecoder {
 public:
  using Event = std::variant<FetchObjectStart, ObjectPayload, FetchRangeEnd>;

  explicit FetchStreamDecoder(const Codec& codec, GroupOrder order, ObjectStreamLimits limits = {}) noexcept
      : codec_(&codec), order_(order), limits_(limits) {}
  explicit FetchStreamDecoder(Draft draft, GroupOrder order, ObjectStreamLimits limits = {}) noexcept
      : FetchStreamDecoder(codec_for(draft), order, limits) {}

  void feed(base::SharedBytes chunk) { cursor_.feed(std::move(chunk)); }
  base::Decoded<Event> next();
  [[nodiscard]] std::optional<base::Violation> finish() const noexcept;
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return cursor_.kept_bytes(); }

 private:
  const Codec* codec_;
  GroupOrder order_;
  ObjectStreamLimits limits_;
  ChunkCursor cursor_;
  std::optional<FetchPriorObject> prior_;
  std::uint64_t payload_left_ = 0;
};

}  // namespace msquic_py::moqt::wire

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/object_status.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

class TrackWriter;

/// Writes one subgroup of a group into the store of its track, from which every subscriber gets it on a stream of its
/// own. Made by TrackWriter::begin_group; the track writer must outlive it, or be finished. After finish() or reset()
/// every write fails with kUnknownStream.
class GroupWriter {
 public:
  GroupWriter(TrackWriter& track, const session::SubgroupProperties& properties);
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;
  /// Resets the streams if neither finish() nor reset() was called: the group is incomplete.
  ~GroupWriter();

  [[nodiscard]] std::uint64_t group() const noexcept { return properties_.group; }
  [[nodiscard]] std::uint64_t subgroup() const noexcept { return *properties_.subgroup; }
  [[nodiscard]] bool open() const noexcept { return writer_.has_value(); }
  /// The Object ID that write() takes when none is given.
  [[nodiscard]] std::uint64_t next_object() const noexcept;

  /// Writes a whole object. `extension_block` is raw pairs (session::encode_extension_block). Object IDs of a
  /// subgroup must rise; without one the next is taken. Subscribers whose filter excludes it don't get it.
  /// kWrongState: the group, or the track, has been said to end before this place, or the object has been published in
  /// another subgroup or with other content.
  session::SessionResult<void> write(base::SharedBytes payload, base::Bytes extension_block = {},
                                     std::optional<std::uint64_t> object = std::nullopt);
  /// Writes an object that has a status in place of a payload.
  session::SessionResult<void> write_status(ObjectStatus status, std::optional<std::uint64_t> object = std::nullopt);

  /// Begins an object whose payload of `payload_length` bytes follows piece by piece with append().
  session::SessionResult<void> begin_object(std::uint64_t payload_length, base::Bytes extension_block = {},
                                            std::optional<std::uint64_t> object = std::nullopt);
  session::SessionResult<void> append(base::SharedBytes bytes);

  /// No more objects: FIN. If this is the last subgroup to end, and it was begun with end_of_group, so does the group.
  void finish();
  /// Gives the subgroup up: what has not been sent of it is dropped.
  void reset(StreamResetCode code);

 private:
  /// Encodes the object's header, once for all, and stores it, with what `payload` has of its payload.
  session::SessionResult<void> start_object(std::uint64_t payload_length, base::Bytes extension_block,
                                            ObjectStatus status, std::optional<std::uint64_t> object,
                                            base::Bytes payload = {});
  void close();

  TrackWriter* track_;
  session::SubgroupProperties properties_;
  std::optional<objects::SubgroupWriter> writer_;  ///< nothing: it has ended
  std::uint64_t next_object_ = 0;
  std::uint64_t remaining_ = 0;  ///< payload bytes of the object begun last that are still to be appended
};

}  // namespace msquic_py::moqt::pubsub

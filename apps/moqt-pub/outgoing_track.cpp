#include "moqt-pub/outgoing_track.h"

#include <algorithm>
#include <utility>

#include "moqt/session/data/object_encoding.h"

namespace msquic_py::apps {

namespace session = moqt::session;

session::SessionResult<void> OutgoingTrack::send(const MediaUnit& unit, std::optional<std::int64_t> wall_origin,
                                                 loc::Version version) {
  if (unit.starts_group || !group_) {
    if (group_) group_->finish();
    auto group = writer_->begin_group(next_group_);
    if (!group) return base::Failure{group.error()};
    group_ = *group;
    ++next_group_;
    ++groups_;
    group_start_ = unit.time;
  }
  if (unit.time && group_start_) longest_group_ = std::max(longest_group_, *unit.time + unit.duration - *group_start_);
  base::ByteVector block;
  const bool timed = wall_origin && unit.presentation_time;
  const bool has_audio_config = version != loc::Version::k01 && !unit.audio_config.empty();
  if (writer_->options().extensions && (timed || !unit.video_config.empty() || has_audio_config)) {
    const auto on_the_wall = [&](std::chrono::microseconds time) {
      return static_cast<std::uint64_t>(*wall_origin + time.count());
    };
    loc::HeaderExtensions extensions;
    if (timed) extensions.capture_timestamp = on_the_wall(*unit.presentation_time);
    if (timed && unit.presentation_start) extensions.presentation_start = on_the_wall(*unit.presentation_start);
    if (!unit.video_config.empty()) extensions.video_config = unit.video_config;
    if (has_audio_config) extensions.audio_config = unit.audio_config;
    moqt::KeyValuePairs pairs;
    if (!loc::append_extensions(extensions, version, pairs))
      return base::Failure{session::SessionError::kInvalidParameter};
    auto encoded = session::encode_extension_block(session::kApplicationForm, pairs);
    if (!encoded) return base::Failure{encoded.error()};
    block = std::move(encoded).value();
  }
  if (auto written = group_->write(base::SharedBytes::copy_of(unit.bytes), block); !written) return written;
  ++objects_;
  bytes_ += unit.bytes.size();
  return {};
}

void OutgoingTrack::finish(moqt::PublishDoneCode code, std::string_view reason) {
  if (group_) group_->finish();
  group_.reset();
  writer_->finish(code, reason);
}

}  // namespace msquic_py::apps

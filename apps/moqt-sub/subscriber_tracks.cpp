// What a subscriber does with the catalog: which tracks it records, and which follow them.

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>

#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "moqt-sub/subscriber.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;

void Subscriber::read_catalog() {
  pubsub::ReceivedObject object;
  while (!leaving_ && catalog_ && catalog_->read(object)) {
    if (object.status != moqt::ObjectStatus::kNormal) continue;
    std::string json(object.payload_size, '\0');
    object.copy_payload(reinterpret_cast<std::uint8_t*>(json.data()));
    auto decoded = msf::decode_catalog(json);
    if (!decoded) {
      if (known_) {
        warn("a new catalog can't be read: " + decoded.error());
        continue;
      }
      return fail("the catalog can't be read: " + decoded.error(), kFailure);
    }
    if (auto* update = std::get_if<msf::DeltaUpdate>(&*decoded)) {
      if (!known_) continue;  // section 5 of the MSF draft: what comes before a whole catalog is ignored
      if (auto applied = known_->apply(*update); !applied) {
        warn("an update of the catalog can't be applied: " + applied.error());
        continue;
      }
    } else {
      msf::Catalog& whole = std::get<msf::Catalog>(*decoded);
      whole.generated_at.reset();  // when it was made is no difference
      if (known_ == whole) continue;
      known_ = std::move(whole);
    }
    on_catalog(msf::Catalog(*known_));
  }
}

void Subscriber::on_catalog(const msf::Catalog& catalog) {
  if (options_.list) {
    std::cout << list_tracks(catalog) << std::flush;
    return leave();
  }
  if (catalog.is_complete) conclude_when_ended();
  if (leaving_) return;
  if (catalog.tracks.empty()) {
    if (catalog.is_complete && feeds_.empty() && !options_.follow) {
      fail("the broadcast is over: its catalog is empty", kFailure);
    }
    return;
  }
  auto choice = choose_tracks(catalog, options_.tracks);
  if (!choice) {
    if (feeds_.empty()) return fail(choice.error(), kFailure);
    return warn(choice.error());
  }
  if (feeds_.empty()) {
    for (const std::string& line : choice->left_out) log_info(line);
    if (choice->taken.empty()) return fail("the catalog has no track that can be recorded", kFailure);
  }
  take_tracks(*choice);
}

void Subscriber::take_tracks(const TrackChoice& choice) {
  Successors next{*known_, {}};
  for (const msf::Track& track : choice.taken) {
    auto initialization = known_->initialization_of(track);
    base::ByteVector bytes = initialization && *initialization ? **initialization : base::ByteVector{};
    const auto running =
        std::ranges::find_if(feeds_, [&](const auto& feed) { return !feed->ended() && feed->name() == track.name; });
    if (running != feeds_.end()) {
      if (auto updated = recording_->update_track((*running)->source(), track, bytes); !updated) {
        return fail(updated.error(), kFailure);
      }
      continue;
    }
    const bool waiting = std::ranges::any_of(successors_, [&](const Successors& earlier) {
      return std::ranges::any_of(earlier.tracks, [&](const auto& each) { return each.track.name == track.name; });
    });
    if (waiting) continue;
    successors_until_.reset();
    const auto full_name = track.track_namespace ? track_called(*track.track_namespace, track.name)
                                                 : moqt::FullTrackName(options_.track.track_namespace, track.name);
    Reader reader = options_.fetch ? nullptr : request(full_name, options_.filter);
    Past past = options_.fetch ? request_past(full_name) : join(reader);
    if (!reader && !past) return;
    next.tracks.push_back({track, std::move(bytes), std::move(reader), std::move(past)});
  }
  if (next.tracks.empty()) return;
  successors_.push_back(std::move(next));
  begin_successors();
}

bool Subscriber::all_follow(const msf::Catalog& catalog) const {
  return std::ranges::all_of(feeds_,
                             [&](const auto& feed) { return feed->ended() || catalog.find(feed->name()) != nullptr; });
}

void Subscriber::begin_successors() {
  while (!successors_.empty() && all_follow(successors_.front().catalog)) {
    const Successors next = std::move(successors_.front());
    successors_.pop_front();
    for (const auto& [track, initialization, reader, past] : next.tracks) {
      add_track(track, initialization, reader, past);
      if (failure_ && exit_code_ == kFailure) return;
    }
    for (const auto& [track, initialization, reader, past] : next.tracks) {
      if (!leaving_ && reader && reader->state() == pubsub::TrackReader::State::kEnded) on_reader_ended(reader);
    }
  }
}

void Subscriber::add_track(const msf::Track& track, base::Bytes initialization, Reader reader, Past past) {
  const Recording::SourceId source = slot_for(track, initialization);
  if (failure_ && exit_code_ == kFailure) return;
  const bool audio = track.role == msf::kRoleAudio || track.samplerate.has_value();
  add_feed(track.name, !audio, source, std::move(reader), std::move(past));
  report_.event("track", {{"name", track.name}, {"codec", track.codec.value_or("")}, {"packaging", track.packaging}});
}

Recording::SourceId Subscriber::slot_for(const msf::Track& track, base::Bytes initialization) {
  const std::string role = track.role.value_or(track.name);
  for (const Slot& slot : slots_) {
    const bool taken =
        std::ranges::any_of(feeds_, [&](const auto& feed) { return feed->source() == slot.source && !feed->ended(); });
    if (slot.role != role || taken) continue;
    if (auto updated = recording_->update_track(slot.source, track, initialization); !updated) {
      fail(updated.error(), kFailure);
    }
    return slot.source;
  }
  auto added = recording_->add_track(track, initialization);
  if (!added) {
    fail(added.error(), kFailure);
    return 0;
  }
  slots_.push_back({role, *added});
  return *added;
}

void Subscriber::add_feed(const std::string& name, bool builds_on_earlier, Recording::SourceId source, Reader reader,
                          Past past) {
  TrackFeed::Fetch fetch;
  if (reader) {
    fetch = [this, track = reader->track()](moqt::Location start, moqt::Location end) {
      return request_missing(track, start, end);
    };
  }
  feeds_.push_back(std::make_unique<TrackFeed>(TrackFeed::Options{name, builds_on_earlier}, std::move(reader),
                                               std::move(past), std::move(fetch), *recording_, source, report_));
}

}  // namespace msquic_py::apps

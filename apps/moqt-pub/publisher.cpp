#include "moqt-pub/publisher.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "command_line/connection_end.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"

namespace msquic_py::apps {

namespace pubsub = moqt::pubsub;
namespace session = moqt::session;

Publisher::Publisher(runtime::EventLoop& loop, PublisherOptions options, InputOptions input, TransferReport& report)
    : loop_(loop),
      report_(report),
      options_(std::move(options)),
      packaging_(input.packaging),
      input_(std::move(input), [this] { loop_.ready(*this); }) {
  loop_.add(*this);
}

Publisher::~Publisher() { loop_.remove(*this); }

void Publisher::fail(std::string why) {
  if (!failure_) failure_ = std::move(why);
}

void Publisher::warn(const std::string& text) {
  log_warning(text);
  report_.event("warning", {{"text", text}});
}

int Publisher::exit_code() const { return lost_ ? kIncomplete : ClientRole::exit_code(); }

TransferStatus Publisher::status() const {
  TransferStatus status;
  status.objects = objects_before_;
  status.groups = groups_before_;
  status.bytes = bytes_before_;
  status.groups_skipped = skipped_before_;
  status.media_time = media_end_ - media_start_.value_or(media_end_);
  status.subscribers = 0;
  for (const OutgoingTrack& track : tracks_) {
    status.objects += track.objects();
    status.groups += track.groups();
    status.bytes += track.bytes();
    status.groups_skipped += track.writer().groups_skipped();
    status.subscribers = std::max(*status.subscribers, track.writer().subscribers());
  }
  return status;
}

std::string Publisher::summary() const {
  const TransferStatus sent = status();
  std::string text =
      "published " + std::to_string(sent.objects) + " objects in " + std::to_string(sent.groups) + " groups";
  if (sent.groups_skipped > 0)
    text += "; " + std::to_string(sent.groups_skipped) + " groups were cut short for a receiver that was too slow";
  return text;
}

void Publisher::stop() {
  input_.stop_reading();
  finish_tracks();
  loop_.ready(*this);
}

bool Publisher::on_events(runtime::SessionDriver& driver, Time now) {
  if (!endpoint_) {
    pubsub::EndpointConfig config;
    config.wake = [&driver] { driver.make_ready(); };
    endpoint_.emplace(driver.session(), std::move(config));
  }
  endpoint_->drain_session(now);
  bool any = false;
  pubsub::EndpointEvent event;
  while (endpoint_->poll_event(event)) {
    any = true;
    handle(event, now);
  }
  loop_.ready(*this);  // there may be room again, or everything may have been acknowledged
  return any;
}

std::optional<runtime::EventLoop::Time> Publisher::next_deadline(const runtime::SessionDriver& /*driver*/) const {
  return endpoint_ ? endpoint_->next_deadline() : std::nullopt;
}

void Publisher::retire_tracks() {
  for (const OutgoingTrack& track : tracks_) {
    objects_before_ += track.objects();
    groups_before_ += track.groups();
    bytes_before_ += track.bytes();
    skipped_before_ += track.writer().groups_skipped();
  }
  tracks_.clear();
}

std::uint64_t Publisher::first_group() {
  if (!options_.first_group) {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    options_.first_group =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  }
  return *options_.first_group;
}

std::string Publisher::new_name(bool video) {
  if (options_.single_track) return *options_.single_track;
  std::size_t& named = video ? videos_named_ : audios_named_;
  const std::string name = video ? "video" : "audio";
  return ++named == 1 ? name : name + std::to_string(named);
}

bool Publisher::add_track(const std::string& name, std::uint8_t priority, bool extensions,
                          std::shared_ptr<pubsub::TrackWriter>& writer) {
  pubsub::TrackOptions track_options;
  track_options.publisher_priority = priority;
  track_options.extensions = extensions;
  track_options.dynamic_groups = name == msf::kCatalogTrackName && !options_.single_track;
  if (comeback() != nullptr) track_options.retention = kKept;
  writer = std::make_shared<pubsub::TrackWriter>(moqt::FullTrackName(options_.name_space, name), track_options);
  if (auto added = endpoint_->add_track(writer); !added)
    return give_up("the track can't be added", added.error()), false;
  return true;
}

void Publisher::change_tracks(const std::vector<MediaTrack>& media, Time now) {
  const bool first = !announced_;
  if (!first && options_.single_track) return;  // the next group says what has changed
  // What describes a track is fixed once it is declared (MSF section 5.3): other media are other tracks.
  for (OutgoingTrack& track : tracks_) {
    track.finish(moqt::PublishDoneCode::kTrackEnded, "other tracks follow");
    ended_.push_back(track.shared_writer());
  }
  retire_tracks();
  // The catalog and the sound go before pictures where there is not room for all.
  const auto urgent = static_cast<std::uint8_t>(options_.priority - (options_.priority > 0 ? 1 : 0));
  if (!options_.single_track && !catalog_) {
    std::shared_ptr<pubsub::TrackWriter> writer;
    if (!add_track(std::string(msf::kCatalogTrackName), urgent, false, writer)) return;
    catalog_.emplace(std::move(writer), first_group());
  }
  std::vector<std::string> names;
  for (const MediaTrack& track : media) {
    names.push_back(new_name(track.video));
    report_.event("track", {{"name", names.back()}, {"codec", track.codec}});
    std::shared_ptr<pubsub::TrackWriter> writer;
    const bool alone = options_.single_track.has_value();
    if (!add_track(names.back(), alone || track.video ? options_.priority : urgent, !alone, writer)) return;
    tracks_.emplace_back(std::move(writer), first_group());
  }
  if (!first) {
    begun_ = false;
    first_wanted_.reset();
    others_until_ = now + kChange;
  }
  if (catalog_) {
    catalog_->describe(media, names, packaging_);
    if (auto published = catalog_->publish(now); !published) {
      fail(published.error());
      return close();
    }
  }
  if (!announce()) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  if (options_.single_track) {
    log_info("publishing " + tracks_[0].writer().track().to_text());
  } else {
    log_info("publishing " + options_.name_space.to_text() + ": " + list + " and a catalog");
  }
  driver_->make_ready();
}

bool Publisher::announce() {
  if (options_.offer_with_publish) {
    if (catalog_ && !announced_) {
      if (auto offered = endpoint_->publish(catalog_->shared_writer()); !offered)
        return give_up("PUBLISH failed", offered.error()), false;
    }
    for (const OutgoingTrack& track : tracks_) {
      if (auto offered = endpoint_->publish(track.shared_writer()); !offered)
        return give_up("PUBLISH failed", offered.error()), false;
    }
  } else if (!announced_) {
    if (auto announced = driver_->session().publish_namespace(options_.name_space); !announced)
      return give_up("PUBLISH_NAMESPACE failed", announced.error()), false;
  }
  announced_ = true;
  return true;
}

void Publisher::give_up(const char* what, session::SessionError error) {
  if (error == session::SessionError::kClosed) return;  // on_finished() knows why
  fail(what + (": " + std::string(session::describe(error))));
  close();
}

void Publisher::close() {
  closing_ = true;
  driver_->close(moqt::SessionErrorCode::kNoError, "");
}

Publisher::Time Publisher::begins(Time now) {
  if (begun_ || !options_.wait_for_subscriber) return now;
  std::size_t wanted = 0;
  for (const OutgoingTrack& track : tracks_) wanted += track.writer().wanted() ? 1 : 0;
  if (wanted == 0) {
    first_wanted_.reset();
    return others_until_.value_or(Time::max());
  }
  if (!first_wanted_) first_wanted_ = now;
  // Whoever reads the catalog subscribes to one track after the other; none of them should miss its beginning.
  return wanted == tracks_.size() ? now : *first_wanted_ + kGathering;
}

std::optional<Publisher::Time> Publisher::turn(Time now) {
  if (finishing_) {
    if (tail_until_ && now < *tail_until_) return tail_until_;
    leave_when_sent();
    return std::nullopt;
  }
  if (established_ && !closing_) {
    if (auto media = input_.take_tracks()) change_tracks(*media, now);
  }
  const auto input_end = input_.end();
  if (input_end.reached && (!input_end.error.empty() || (established_ && announced_))) {
    if (!input_end.error.empty()) fail(input_end.error);
    finish_tracks();
    return std::nullopt;
  }
  if (!announced_ || closing_) return std::nullopt;
  std::optional<Time> again;
  if (catalog_) {
    again = catalog_->due();
    if (again && *again <= now) {
      (void)catalog_->publish(now);  // in vain only while the session closes
      make_ready();
      again = catalog_->due();
    }
  }
  const Time begin = begins(now);
  if (begin > now) return begin == Time::max() ? again : std::optional(again ? std::min(*again, begin) : begin);
  begun_ = true;
  const auto next = send_due(now);
  const Time report = report_.progress(status(), now);
  again = again ? std::min(*again, report) : report;
  if (!next) return again;
  return again ? std::min(*again, *next) : *next;
}

std::size_t Publisher::queued_bytes() const {
  std::size_t most = 0;
  for (const OutgoingTrack& track : tracks_) most = std::max(most, track.writer().queued_bytes());
  return most;
}

std::optional<Publisher::Time> Publisher::send_due(Time now) {
  bool sent = false;
  std::optional<Time> next;
  while (const auto unit = input_.next()) {
    Time due = now;
    if (options_.pace && unit->time) {
      due = pacer_.due(*unit->time, unit->duration, now);
      if (due > now) {
        next = due;
        break;
      }
    } else if (queued_bytes() > kLowWater || holds_input()) {
      break;  // whoever is slow slows the input down: nothing else sets the pace
    }
    if (options_.pace && unit->time)
      report_.add_delay(std::chrono::duration_cast<std::chrono::microseconds>(runtime::EventLoop::Clock::now() - due));
    if (!send(input_.take(), due)) return std::nullopt;
    sent = true;
  }
  if (sent) {
    report_skipped();
    make_ready();
  }
  if (input_.end().reached) loop_.ready(*this);
  return next;
}

bool Publisher::send(const MediaUnit& unit, Time due) {
  if (unit.presentation_time && unit.time && !wall_origin_) {
    // A frame is sent when it is due to be decoded. One that is shown later than others that follow it was captured
    // before all of them were encoded: no frame is captured after it was sent.
    const auto ahead = std::max(*unit.presentation_time - *unit.time, input_.reordering());
    const auto wall = std::chrono::system_clock::now() - (std::chrono::steady_clock::now() - due) - ahead;
    wall_origin_ =
        std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch()).count() - unit.time->count();
  }
  if (auto sent = tracks_[unit.track].send(unit, wall_origin_, loc_version_); !sent)
    return give_up("an object could not be sent", sent.error()), false;
  if (unit.time) {
    if (!media_start_) media_start_ = unit.time;
    media_end_ = std::max(media_end_, *unit.time + unit.duration);
  }
  if (!long_group_told_ && tracks_[unit.track].longest_group() > kLongGroup) {
    long_group_told_ = true;
    warn("no key frame has come for " + std::to_string(kLongGroup.count()) +
         " s: whoever subscribes late sees nothing until there is one");
  }
  return true;
}

void Publisher::report_skipped() {
  std::uint64_t skipped = skipped_before_;
  for (const OutgoingTrack& track : tracks_) skipped += track.writer().groups_skipped();
  if (skipped == skipped_told_) return;
  if (skipped_told_ == 0) warn("a receiver is too slow: what it can't take in time is left out for it");
  skipped_told_ = skipped;
}

void Publisher::leave_a_server_that_goes() {
  if (!finishing_ && !failure_ && !input_.end().reached) {
    server_goes_ = true;
    lost_ = announced_;
    fail("the server went away before everything was published: --resume would make another connection");
  }
  input_.stop_reading();
  finish_tracks();
}

void Publisher::finish_tracks() {
  if (finishing_) return;
  finishing_ = true;
  const auto code = server_goes_ ? moqt::PublishDoneCode::kGoingAway
                    : failure_   ? moqt::PublishDoneCode::kInternalError
                                 : moqt::PublishDoneCode::kTrackEnded;
  const std::string reason = server_goes_ ? "the publisher's server goes away"
                             : failure_   ? "the publisher's input failed"
                                          : "";
  for (OutgoingTrack& track : tracks_) {
    track.finish(code, reason);
    ended_.push_back(track.shared_writer());
  }
  if (catalog_) {
    if (!failure_ && driver_ != nullptr) {
      catalog_->complete();
      (void)catalog_->publish(runtime::EventLoop::Clock::now());
    }
    catalog_->writer().finish(code, reason);
    ended_.push_back(catalog_->shared_writer());
  }
  if (driver_ == nullptr) {
    lost_ = announced_ && !failure_;
    if (lost_) fail("not everything had arrived: there is no session");
    return loop_.stop();
  }
  if (ended_.empty()) return close();
  driver_->make_ready();
}

void Publisher::leave_when_sent() {
  if (driver_ == nullptr || !driver_->has_session() || closing_) return;
  const bool told = std::all_of(ended_.begin(), ended_.end(), [](const auto& writer) { return writer->ended(); });
  if (!told || driver_->session().state() != session::Session::State::kEstablished || !driver_->flushed()) return;
  if (missed_ && !failure_) {
    lost_ = true;
    fail("nobody has come back for what was published since the session was lost");
  }
  close();
}

void Publisher::on_finished(runtime::SessionDriver&, const transport::CloseReason& reason) {
  if (!closing_ && !failure_ && comeback() != nullptr && comeback()->after(reason)) return suspend();
  if (!closing_) {
    const std::string why = describe_connection_end(comeback() ? comeback()->options() : options_.client, reason);
    lost_ = announced_ && !failure_;
    fail(finishing_ ? "not everything had arrived: " + why : why);
  }
  driver_ = nullptr;
  input_.stop_reading();
  finishing_ = true;
  retire_tracks();
  ended_.clear();
  catalog_.reset();
  endpoint_.reset();
  loop_.stop();
}

}  // namespace msquic_py::apps

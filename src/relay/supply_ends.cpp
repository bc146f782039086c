// How a supply ends: the publisher says so, or is lost, or nobody wants the track any more.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/supply.h"

namespace msquic_py::relay {

namespace session = moqt::session;
using State = Track::Upstream::State;

bool Supply::may_go_on(Track& track, const Peer& without) const {
  if (!track.wanted()) return false;
  const moqt::TrackNamespace& name = track.name().track_namespace;
  const bool here = track.wanted_here();
  if (limits_.rendezvous_timeout.count() > 0) return true;
  if (here && without.leaving && (without.upstream != nullptr || sources_.expected_for(name))) return true;
  const auto& upstreams = track.upstreams();
  const bool asked = std::any_of(upstreams.begin(), upstreams.end(),
                                 [&](const Track::Upstream& each) { return each.peer != &without; });
  const auto another = [&](const std::vector<Peer*>& sources) {
    return std::any_of(sources.begin(), sources.end(),
                       [&](const Peer* peer) { return peer != &without && may_ask(*peer, track); });
  };
  // That this one publishes the namespace does not mean that nobody above has the track.
  return asked || another(sources_.clients_for(name)) || (here && another(sources_.upstreams_for(name)));
}

void Supply::lose(Peer& peer, Track& track, session::RequestHandle request, moqt::PublishDoneCode code,
                  std::string_view reason) {
  const Track::Upstream* const upstream = track.upstream(peer, request);
  const bool live = upstream != nullptr && upstream->state == State::kLive;
  if (!live) {  // it had only been asked, or had offered it
    drop(peer, track, request);
    if (!track.established() && !track.asking() && track.wanted()) return seek(track);
    return release(track);
  }
  const bool last = std::none_of(track.upstreams().begin(), track.upstreams().end(), [&](const Track::Upstream& each) {
    return &each != upstream && each.state == State::kLive;
  });
  const bool waits = last && may_go_on(track, peer);
  if (waits) {  // what its streams leave behind waits for as long as its subscribers do
    track.lost = now_;
    track.lost_upstream = peer.upstream != nullptr && peer.leaving;
    track.publisher().takeover_timeout =
        std::max(limits_.upstream_loss_timeout, limits_.rendezvous_timeout) + limits_.upstream_answer_timeout;
    ++counters_.publishers_lost;
  }
  backfills_.abandon(track, /*keep_holding=*/waits, now_);
  drop(peer, track, request);
  if (!last) {
    fill_in(track);
    return release(track);
  }
  if (waits) return seek(track);
  end(track, code, reason, /*abandon=*/false);
  demand_.unsupplied(track, moqt::RequestErrorCode::kDoesNotExist, "the publisher left", std::nullopt);
  release(track);
}

void Supply::fill_in(Track& track) {
  Peer* other = nullptr;
  moqt::Location start{};
  for (const Track::Upstream& upstream : track.upstreams()) {
    const auto* role = upstream.state == State::kLive ? upstream.peer->role<UpstreamRole>(upstream.request) : nullptr;
    if (role == nullptr || (other != nullptr && start <= role->start)) continue;
    other = upstream.peer;
    start = role->start;
  }
  if (other == nullptr || start <= track.start) return;
  // What the other has brought since then says nothing of what was on its way from this one.
  const moqt::Location last = start.object > 0 ? moqt::Location{start.group, start.object - 1} : start;
  const moqt::Location from = track.store().first_missing(track.start, last);
  if (from < start) backfills_.begin(*other, track, {from, start}, now_);
}

void Supply::drop(Peer& peer, Track& track, session::RequestHandle request) {
  track.remove_upstream(peer, request);
  if (track.done && track.done->peer == &peer && track.done->request == request) track.done.reset();
  track.publisher().others_may_go_on = !track.upstreams().empty() || track.lost;  // with what its streams leave behind
  for (auto entry = peer.subgroups.begin(); entry != peer.subgroups.end();) {
    auto& others = entry->second.others;
    std::erase(others, request);
    if (entry->second.upstream == request && !others.empty()) {
      entry->second.upstream = others.back();
      others.pop_back();
    }
    if (entry->second.upstream != request) {
      ++entry;
      continue;
    }
    entry->second.writer.reset(static_cast<std::uint64_t>(moqt::StreamResetCode::kCancelled), now_);
    entry = peer.subgroups.erase(entry);
  }
  track.publisher().others_may_go_on = track.upstreams().size() > 1 || track.lost;
  peer.roles.erase(request);
  --counters_.upstream_subscriptions;
}

void Supply::end(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon) {
  track.lost.reset();
  track.publisher().takeover_timeout = limits_.takeover_timeout;
  backfills_.abandon(track, /*keep_holding=*/false, now_);
  track.publisher().end(code, reason, abandon, now_);
}

void Supply::on_done(Peer& peer, const session::SubscriptionDone& event) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role == nullptr) return;
  Track& track = *role->track;
  const auto code = static_cast<moqt::PublishDoneCode>(event.code);
  const bool expired = code == moqt::PublishDoneCode::kExpired;
  // How this hop's subscription ended is passed on only where it says something about the track itself.
  const bool of_this_hop = code == moqt::PublishDoneCode::kUpdateFailed ||
                           code == moqt::PublishDoneCode::kTooFarBehind ||
                           code == moqt::PublishDoneCode::kUnauthorized || code == moqt::PublishDoneCode::kGoingAway ||
                           expired || event.code > static_cast<std::uint64_t>(moqt::PublishDoneCode::kUpdateFailed);
  const bool last = std::none_of(track.upstreams().begin(), track.upstreams().end(), [&](const Track::Upstream& each) {
    return (each.peer != &peer || each.request != event.subscription) && each.state == State::kLive;
  });
  // A relay's own publisher was lost: another publisher, or the same relay in a while, may have another. Nor is a
  // publisher that says so of itself the only one that may have the track.
  const bool lost = of_this_hop || code == moqt::PublishDoneCode::kInternalError;
  if (!expired && lost && track.wanted()) {
    // A client that has just given up is asked behind the others.
    if (peer.upstream == nullptr && last && may_go_on(track, peer)) track.search().refused.push_back(peer.number);
    return lose(peer, track, event.subscription, moqt::PublishDoneCode::kInternalError, event.reason);
  }
  // A publisher that lets subscriptions run out may well grant another one; those behind the relay need not know.
  if (expired && track.wanted()) return ask_again(peer, track, event.subscription);
  Track::Done done{&peer, event.subscription, of_this_hop ? moqt::PublishDoneCode::kInternalError : code, event.reason,
                   event.missing_streams == 0};
  if (last && track.backfill && track.backfill->publisher == &peer) {
    track.done = std::move(done);
  } else {
    finish(done, track);
  }
}

void Supply::on_goaway(Peer& peer, session::RequestHandle request, bool elsewhere) {  // draft-22 section 9.2
  const auto* role = peer.role<UpstreamRole>(request);
  if (role == nullptr || !peer.session.is_ours(request)) return;  // what the peer has asked for, it moves itself
  Track& track = *role->track;
  const bool live = track.upstream(peer, request)->state == State::kLive;
  // The subscription is not touched by it: without anybody else it goes on for as long as the publisher lets it.
  if (!track.wanted() || !live || (elsewhere && !may_go_on(track, peer))) return;
  (void)peer.session.cancel(request);
  peer.outlet.make_ready();
  if (elsewhere) {
    track.search().refused.push_back(peer.number);
    return lose(peer, track, request, moqt::PublishDoneCode::kInternalError, "the publisher moved");
  }
  ask_again(peer, track, request);
}

void Supply::ask_again(Peer& peer, Track& track, session::RequestHandle request) {
  const bool last = std::none_of(track.upstreams().begin(), track.upstreams().end(), [&](const Track::Upstream& each) {
    return (each.peer != &peer || each.request != request) && each.state == State::kLive;
  });
  if (last) track.lost = now_;
  track.lost_upstream = false;
  drop(peer, track, request);
  if (!may_ask(peer, track) || !ask(peer, track)) seek(track);
}

void Supply::on_backfill_over(Track& track, bool whole, bool end_of_track) {
  if (!track.done && end_of_track && !track.established()) return finish_lost(track);
  if (!track.done) return;
  Track::Done done = *std::exchange(track.done, std::nullopt);
  if (!whole) {  // who is told that the track has ended takes what came for all of it
    done.code = moqt::PublishDoneCode::kInternalError;
    done.reason = "the end of the track is not to be had";
  }
  finish(done, track);
}

void Supply::finish(const Track::Done& done, Track& track) {
  drop(*done.peer, track, done.request);
  const bool ended = done.code == moqt::PublishDoneCode::kTrackEnded && done.whole;
  if (!track.established() && !track.asking()) {
    track.over = ended && track.ends_whole();
    end(track, done.code, done.reason, /*abandon=*/false);
  } else if (!ended && track.established()) {
    fill_in(track);
  } else if (!ended && track.publisher().subscribers() > 0) {  // whoever has been asked takes its place
    track.lost = now_;
    track.lost_upstream = false;
  }
  release(track);
}

void Supply::finish_lost(Track& track) {
  constexpr std::string_view kReason = "the track has ended";
  track.over = track.ends_whole();
  end(track, moqt::PublishDoneCode::kTrackEnded, kReason, /*abandon=*/false);
  demand_.unsupplied(track, moqt::RequestErrorCode::kDoesNotExist, kReason, std::nullopt);
  release(track);
}

void Supply::on_malformed(Peer& peer, const session::TrackMalformed& event) {
  const auto* role = peer.role<UpstreamRole>(event.subscription);
  if (role != nullptr) end_malformed(peer, *role->track);
}

void Supply::end_malformed(Peer& publisher, Track& track) {
  ++counters_.malformed_tracks;
  backfills_.abandon(track, /*keep_holding=*/false, now_);
  // [d15 §2.4.2-1]
  for (const Track::Upstream& upstream : std::vector(track.upstreams())) {
    if (upstream.peer != &publisher) continue;
    (void)publisher.session.cancel(upstream.request);  // the session may have done so itself
    drop(publisher, track, upstream.request);
  }
  publisher.outlet.make_ready();
  if (track.upstreams().empty()) {
    demand_.unsupplied(track, moqt::RequestErrorCode::kInternalError, "the publisher broke the rules of the track",
                       std::nullopt);
  }
  // [d15 §2.4.2-2]; what waits for a FETCH to that publisher has it cancelled with the last of those who asked.
  end(track, moqt::PublishDoneCode::kMalformedTrack, "the publisher broke the rules of the track", /*abandon=*/true);
  track.publisher().abandon_fetches();
  track.publisher().clear();
  release(track);
}

void Supply::peer_left(Peer& peer) {
  std::vector<std::pair<Track*, session::RequestHandle>> brought;
  for (auto entry = peer.roles.begin(); entry != peer.roles.end();) {
    if (const auto* upstream = std::get_if<UpstreamRole>(&entry->second)) {
      brought.emplace_back(upstream->track, entry->first);
    } else if (const auto* backfill = std::get_if<BackfillRole>(&entry->second)) {
      Track& track = *backfill->track;
      if (track.backfill && track.backfill->publisher == &peer) {
        track.backfill.reset();
        --track.fetches;
      }
      entry = peer.roles.erase(entry);
      continue;
    } else if (std::holds_alternative<WakeRole>(entry->second)) {
      entry = peer.roles.erase(entry);
      continue;
    }
    ++entry;
  }
  for (const auto& [track, request] : brought) {
    // Without PUBLISH_DONE from the publisher nobody knows whether the track was over. Losing one of the tracks does
    // not forget another that this publisher brings.
    if (peer.role<UpstreamRole>(request) == nullptr) continue;
    lose(peer, *track, request, moqt::PublishDoneCode::kInternalError, "the publisher was lost");
  }
}

void Supply::release(Track& track) {
  if (!track.wanted() && track.lost) end(track, moqt::PublishDoneCode::kInternalError, "the publisher was lost", false);
  if (!track.wanted()) track.end_search();
  bool lingers = false;
  if (track.wanted()) track.unwanted.reset();
  for (const Track::Upstream& upstream : std::vector(track.upstreams())) {
    Peer& peer = *upstream.peer;
    if (upstream.from_publish) {
      if (!upstream.lazy || upstream.state != State::kLive || track.demanded()) continue;
      moqt::MessageParameters parameters;
      parameters.set_forward(false);
      if (!peer.session.update(upstream.request, std::move(parameters), {.limit = limits_.upstream_answer_timeout}))
        continue;
      track.upstream(peer, upstream.request)->state = State::kPaused;
      peer.outlet.make_ready();
      continue;
    }
    if (track.wanted()) continue;
    if (peer.upstream != nullptr && upstream.state == State::kLive && !peer.leaving) {
      if (!track.unwanted) track.unwanted = now_;
      const auto until = *track.unwanted + limits_.upstream_linger;
      if (now_ < until) {
        lingers = true;
        tracks_.set_alarm(track, until);
        continue;
      }
    }
    (void)peer.session.cancel(upstream.request);
    peer.outlet.make_ready();
    drop(peer, track, upstream.request);
  }
  if (!track.wanted() && !lingers) {
    tracks_.set_alarm(track, std::nullopt);
    backfills_.abandon(track, /*keep_holding=*/false, now_);
  }
  tracks_.release(track);
}

void Supply::publisher_came(Peer& publisher, const moqt::TrackNamespace& track_namespace) {  // [d15 §8.5-8]
  std::vector<Track*> wanted;
  tracks_.for_each([&](Track& track) {
    if (!track.wanted() || !track_namespace.is_prefix_of(track.name().track_namespace)) return;
    // An upstream is asked for what nobody here publishes.
    if (publisher.upstream != nullptr && (track.established() || track.asking())) return;
    wanted.push_back(&track);
  });
  for (Track* track : wanted) {
    if (track->searching()) std::erase(track->search().refused, publisher.number);
    if (publisher.upstream != nullptr) {
      seek(*track);
    } else if (may_ask(publisher, *track)) {
      (void)ask(publisher, *track);
    }
  }
}

void Supply::upstream_came(const Upstream& upstream) {
  std::vector<Track*> wanted;
  tracks_.for_each([&](Track& track) {
    if (track.wanted() && !track.established() && !track.asking() &&
        upstream.prefix.is_prefix_of(track.name().track_namespace))
      wanted.push_back(&track);
  });
  for (Track* track : wanted) seek(*track);
}

}  // namespace msquic_py::relay

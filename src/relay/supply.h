#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/session/event.h"
#include "relay/backfill.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/sources.h"
#include "relay/track.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// Those who want tracks, as the Supply sees them.
class Demand {
 public:
  virtual ~Demand() = default;
  /// A publisher brings the track.
  virtual void supplied(Track& track) = 0;
  /// No publisher brings it: whoever has waited since `before` or longer is refused, everybody without it.
  virtual void unsupplied(Track& track, moqt::RequestErrorCode code, std::string_view reason,
                          std::optional<moqt::session::Time> before) = 0;
  /// That peer is going to be asked for the track: what it has, or waits for, of it here is over.
  virtual void turn_away(Track& track, Peer& peer) = 0;
};

/// Brings what is wanted [d15 §8.4] [d15 §8.5]: finds a publisher for a track, among clients first and then upstreams,
/// subscribes there, once for all who want it, looks for another when that one is lost, and ends the subscription when
/// nobody wants the track any more.
class Supply {
 public:
  /// `now` is the time of the present turn.
  Supply(const RelayLimits& limits, RelayCounters& counters, const moqt::session::Time& now, const Sources& sources,
         TrackTable& tracks, Backfills& backfills, Demand& demand) noexcept
      : limits_(limits),
        counters_(counters),
        now_(now),
        sources_(sources),
        tracks_(tracks),
        backfills_(backfills),
        demand_(demand) {}

  /// The track is wanted and nobody brings it: asks for it, or goes on to the next who may have it.
  void seek(Track& track);
  /// The track may be wanted no more: ends, or pauses, what only it was for, and forgets the track if nobody uses it.
  void release(Track& track);
  /// PUBLISH. False when it has been refused, or withdrawn meanwhile.
  bool on_publish(Peer& peer, Track& track, const moqt::session::PublishReceived& event);
  /// SUBSCRIBE_OK, or the answer to the update that wakes an offer.
  void on_accepted(Peer& peer, Track& track, moqt::session::RequestHandle subscription,
                   const moqt::MessageParameters& parameters);
  /// PUBLISH_STATE_NOTIFY of a publisher (draft-22 section 9.10): it has paused the subscription, or goes on by itself,
  /// or tells where the track stands, which those hear of who are told such things.
  void on_changed(Peer& peer, const moqt::session::SubscriptionChanged& event);
  /// The first object of a publisher that took the place of another and did not say where it is.
  void on_first_object(Peer& peer, Track& track, moqt::Location location);
  void on_rejected(Peer& peer, Track& track, const moqt::session::RequestRejected& event);
  /// What the publisher's EXPIRES gives is running out: the relay goes on for as long as somebody wants the track.
  void renew(Peer& peer, moqt::session::RequestHandle upstream);
  void on_done(Peer& peer, const moqt::session::SubscriptionDone& event);
  /// A backfill is over; `whole`: everything that was missed has come. `end_of_track`: and the track ends with it.
  void on_backfill_over(Track& track, bool whole, bool end_of_track = false);
  void on_malformed(Peer& peer, const moqt::session::TrackMalformed& event);
  /// The publisher asks for the relay's SUBSCRIBE to be made again (GOAWAY on its stream), or to be made `elsewhere`,
  /// where this relay does not go: another publisher is asked then, if there is one.
  void on_goaway(Peer& peer, moqt::session::RequestHandle request, bool elsewhere);
  void peer_left(Peer& peer);
  /// A new publisher: it is asked for every track under `track_namespace` that somebody wants.
  void publisher_came(Peer& publisher, const moqt::TrackNamespace& track_namespace);
  /// An upstream has a session: it is asked for what is wanted and not to be had.
  void upstream_came(const Upstream& upstream);
  /// What that publisher sends of the track makes it malformed [d15 §2.4.2]: nothing more is taken from the publisher,
  /// subscribers and fetches are told, objects forgotten.
  void end_malformed(Peer& publisher, Track& track);
  void request_new_group(Track& track, std::optional<std::uint64_t> value);
  /// The alarm of the track.
  void on_alarm(Track& track);

 private:
  bool ask(Peer& publisher, Track& track);
  /// That subscription is over, and its publisher, or else another one, is asked for a new one.
  void ask_again(Peer& peer, Track& track, moqt::session::RequestHandle request);
  /// Those of clients, or those of upstreams.
  bool wake_offers(Track& track, bool of_upstreams);
  bool ask_publishers(Track& track);
  bool ask_upstream(Track& track);
  [[nodiscard]] bool may_ask(const Peer& peer, Track& track) const;
  void wait_or_give_up(Track& track);
  void give_up(Track& track);
  /// How long those wait who have a subscription, and those who have asked for one.
  [[nodiscard]] std::chrono::milliseconds patience(const Track& track, bool subscribed) const;
  /// Whether somebody may go on with it if this publisher does not.
  [[nodiscard]] bool may_go_on(Track& track, const Peer& without) const;
  /// The publisher is gone, and did not say that the track is over.
  void lose(Peer& peer, Track& track, moqt::session::RequestHandle request, moqt::PublishDoneCode code,
            std::string_view reason);
  void drop(Peer& peer, Track& track, moqt::session::RequestHandle request);
  /// One of several publishers is gone: what it had not brought of what lies before the subscriptions to the others is
  /// fetched.
  void fill_in(Track& track);
  /// The publisher has ended its subscription.
  void finish(const Track::Done& done, Track& track);
  /// The track has ended while nobody brought it.
  void finish_lost(Track& track);
  void end(Track& track, moqt::PublishDoneCode code, std::string_view reason, bool abandon);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const moqt::session::Time& now_;
  const Sources& sources_;
  TrackTable& tracks_;
  Backfills& backfills_;
  Demand& demand_;
};

}  // namespace msquic_py::relay

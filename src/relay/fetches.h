#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "moqt/objects/fetch_delivery.h"
#include "moqt/session/event.h"
#include "moqt/session/time.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/sources.h"
#include "relay/status_queries.h"
#include "relay/supply.h"
#include "relay/track_table.h"
#include "relay/upstream_fetch.h"

namespace msquic_py::relay {

/// Answers FETCH out of the cache, and asks a publisher for what the cache does not know [d15 §9.16.3]: one FETCH
/// upstream for all who wait for the same objects.
class Fetches final : public moqt::objects::FetchFiller {
 public:
  Fetches(const RelayLimits& limits, RelayCounters& counters, const Sources& sources, TrackTable& tracks,
          Supply& supply, StatusQueries& status_queries) noexcept
      : limits_(limits),
        counters_(counters),
        sources_(sources),
        tracks_(tracks),
        supply_(supply),
        status_queries_(status_queries) {}

  // ---- from clients ----
  /// A client asks whether it may FETCH, and FetchReceived follows if so: that is what is counted of it.
  void on_asked(const Peer& peer) noexcept { count(peer, &RelayCounters::fetches); }
  void on_fetch(Peer& peer, const moqt::session::FetchReceived& event, moqt::session::Time now);
  /// A publisher has told the largest object that a fetch depends on, which is resolved now.
  void on_located(Peer& peer, const moqt::session::FetchReceived& event, moqt::session::Time now) {
    serve(peer, event, now, /*located=*/true);
  }
  void on_cancelled(Peer& peer, const moqt::session::FetchCancelled& event);

  // ---- from publishers ----
  void on_accepted(std::uint64_t fetch, const moqt::session::FetchAccepted& event);
  void on_rejected(Peer& peer, std::uint64_t fetch, const moqt::session::RequestRejected& event);
  void on_object(Peer& peer, const moqt::session::FetchObjectReceived& event, moqt::session::Time now);
  void on_payload(Peer& peer, const moqt::session::ObjectPayload& event, moqt::session::Time now);
  void on_gap(Peer& peer, const moqt::session::FetchGapReceived& event);
  void on_ended(Peer& peer, const moqt::session::FetchEnded& event, moqt::session::Time now);
  void on_malformed(Peer& peer, moqt::session::RequestHandle request);

  /// Fetches whose FILL_TIMEOUT is over go on without what publishers have not brought.
  void on_deadline(moqt::session::Time now);
  [[nodiscard]] std::optional<moqt::session::Time> next_deadline() const noexcept {
    return fill_deadlines_.empty() ? std::nullopt : std::optional(fill_deadlines_.begin()->first);
  }
  void peer_left(Peer& peer);
  /// Forgets the fetches that have ended; when nobody is in the middle of one.
  void settle();

  // ---- FetchFiller ----
  void fill(moqt::objects::FetchDelivery& fetch, moqt::Location from) override;
  void progressed(moqt::objects::FetchDelivery& fetch) override;
  void ended(moqt::objects::FetchDelivery& fetch) override;

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  ///< the peer's number, and its request
  struct ClientFetch {
    Peer* peer;
    Track* track;
    bool missed = false;  ///< the cache did not have all of it
    std::optional<moqt::Location> asked_for;
    std::size_t attempts = 0;            ///< to find out what is at `asked_for`
    std::vector<std::uint64_t> refused;  ///< numbers of the publishers that could not help
    std::vector<std::uint64_t> asked;    ///< UpstreamFetches that it waits for; hardly ever more than one
    /// FILL_TIMEOUT (draft-22 section 9.20.5): how long publishers may take altogether; nothing: as long as they are
    /// given.
    std::optional<std::chrono::milliseconds> fill_timeout;
    std::optional<moqt::session::Time> fill_by;  ///< when that is over, once a publisher has been asked
    bool out_of_time = false;
    /// By publisher, where what it has said to be unknown to it ends, as far as it came; of ascending fetches.
    std::vector<std::pair<std::uint64_t, moqt::Location>> unknown_to;
    [[nodiscard]] bool is_unknown_to(std::uint64_t publisher, moqt::Location location) const;
    std::unique_ptr<moqt::objects::FetchDelivery> delivery;
  };

  /// Of what another event loop of this relay asks for, that loop keeps count.
  void count(const Peer& peer, std::uint64_t RelayCounters::*counter) noexcept {
    if (!peer.inner) ++(counters_.*counter);
  }
  /// `located`: a publisher has been asked for the largest object.
  void serve(Peer& peer, const moqt::session::FetchReceived& received, moqt::session::Time now, bool located);
  UpstreamFetch* upstream_of(Peer& peer, moqt::session::RequestHandle request);
  ClientFetch* client_fetch_of(const moqt::objects::FetchDelivery& delivery);
  /// Those who bring the track or may have it; upstreams when `up`.
  [[nodiscard]] std::vector<Peer*> publishers_of(const Track& track, bool up = true) const;
  /// What to ask a publisher for when `fetch` has come to `from`, of which nothing is known.
  [[nodiscard]] static moqt::FetchRange missing_at(ClientFetch& fetch, moqt::Location from);
  /// Nothing newer than what is known of the track exists: a publisher tells, or none is left.
  [[nodiscard]] bool knows_largest(Track& track) const;
  /// Whether somebody could be asked.
  bool ask(ClientFetch& fetch, moqt::FetchRange range);
  void read_on(UpstreamFetch& fetch);
  /// There is no time to find out what is at `missing()`.
  void leave_gap(ClientFetch& fetch);
  /// Its time begins, unless it has begun.
  void count_time(ClientFetch& fetch);
  void stop_counting(ClientFetch& fetch);
  /// It waits for no publisher any more.
  void leave_publishers(ClientFetch& fetch);
  /// The publisher cannot or does not help.
  void give_up(std::uint64_t number, moqt::RequestErrorCode code, std::string_view reason);
  /// Ends the answer with the largest object that is here, where a publisher has said with that code that there is
  /// nothing at `from` or behind it. False where it says something else.
  bool end_at_largest(ClientFetch& fetch, moqt::Location from, moqt::RequestErrorCode code);
  void fall_back(ClientFetch& fetch, moqt::Location from, moqt::RequestErrorCode code, std::string_view reason);
  void remove(std::uint64_t number);
  /// Those who waited for it wait for it no more.
  std::vector<moqt::objects::FetchDelivery*> leave(std::uint64_t number, UpstreamFetch& fetch);
  /// Whether `delivery` will come to something unknown behind what `fetch` brings.
  [[nodiscard]] static bool misses_more(const moqt::objects::FetchDelivery& delivery, const UpstreamFetch& fetch);
  /// FETCH_OK, now that a publisher has sent one; unless there is more to ask for.
  void accept(moqt::objects::FetchDelivery& delivery, const UpstreamFetch& fetch);
  void accept_if_known(moqt::objects::FetchDelivery& delivery, Track& track);

  const RelayLimits& limits_;
  RelayCounters& counters_;
  const Sources& sources_;
  TrackTable& tracks_;
  Supply& supply_;
  StatusQueries& status_queries_;
  std::map<Key, ClientFetch> clients_;
  std::unordered_map<const moqt::objects::FetchDelivery*, ClientFetch*> by_delivery_;
  std::unordered_map<std::uint64_t, std::unique_ptr<UpstreamFetch>> upstream_;
  std::uint64_t next_fetch_ = 1;
  std::set<std::pair<moqt::session::Time, Key>> fill_deadlines_;
  std::vector<Key> over_;
};

}  // namespace msquic_py::relay

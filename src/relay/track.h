#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "base/ledger/account.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/session.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"

namespace msquic_py::relay {

struct Backfill;
struct Peer;

/// A track that the relay receives from one or more publishers, keeps for a while, and sends to its subscribers.
class Track {
 public:
  /// One subscription to the track at one publisher.
  struct Upstream {
    enum class State : std::uint8_t {
      kAsked,   ///< SUBSCRIBE, or the update that wakes an offer, waits for its answer
      kLive,    ///< SUBSCRIBE_OK or our PUBLISH_OK: objects come
      kPaused,  ///< an offer with FORWARD 0 that nobody here wants yet
    };
    Peer* peer;
    moqt::session::RequestHandle request;
    State state;
    bool from_publish;  ///< the publisher's PUBLISH; it stays when no subscriber is left
    bool lazy = false;  ///< offered with FORWARD 0: paused while nobody wants it
    /// It was asked while another brought the track, or was asked for it: its answer may be older than what came.
    bool beside = false;
  };
  /// A SUBSCRIBE that waits until a publisher has accepted ours [d15 §8.4].
  struct Waiting {
    Peer* peer;
    moqt::session::RequestHandle request;
    moqt::session::Time since;
    /// RENDEZVOUS_TIMEOUT: for how long its subscriber waits for a publisher to appear.
    std::chrono::milliseconds rendezvous{};
    bool unfiltered = false;  ///< SUBSCRIBE came without a filter
  };
  /// A SUBSCRIBE_UPDATE to Forward State 1 that waits until a publisher brings the track: its answer tells the largest
  /// object.
  struct Waking {
    Peer* peer;
    moqt::session::RequestHandle update;
    moqt::session::RequestHandle subscription;
    moqt::session::Time since;
  };
  /// The track is wanted and no publisher brings it: what the looking for one has come to.
  struct Search {
    std::vector<std::uint64_t> refused;  ///< numbers of the peers that have refused it
    moqt::RequestErrorCode code = moqt::RequestErrorCode::kDoesNotExist;
    std::string reason = "nobody publishes this track";  ///< the latest refusal
    std::optional<moqt::session::Time> retry;            ///< when those who refused are asked again
    base::Backoff backoff{kRetry};
    static constexpr base::Backoff::Limits kRetry{std::chrono::milliseconds(250), std::chrono::seconds(2)};
  };

  Track(moqt::FullTrackName name, const RelayLimits& limits, RelayCounters& counters,
        const std::shared_ptr<base::Account>& account);
  ~Track();
  Track(const Track&) = delete;
  Track& operator=(const Track&) = delete;

  [[nodiscard]] const moqt::FullTrackName& name() const noexcept { return name_; }
  /// Its objects and its subscribers.
  [[nodiscard]] moqt::objects::TrackPublisher& publisher() noexcept { return publisher_; }
  [[nodiscard]] moqt::objects::TrackStore& store() noexcept { return publisher_.store(); }

  // ---- publishers ----
  Upstream& add_upstream(const Upstream& upstream);
  [[nodiscard]] Upstream* upstream(const Peer& peer, moqt::session::RequestHandle request) noexcept;
  [[nodiscard]] bool has_upstream_at(const Peer& peer) const noexcept;
  /// Whether the peer may bring again what has come: it has the track from somebody else, or is the slower one of
  /// several publishers, those that are gone meanwhile included.
  [[nodiscard]] bool may_lag(const Peer& peer) const noexcept;
  void remove_upstream(const Peer& peer, moqt::session::RequestHandle request);
  [[nodiscard]] const std::vector<Upstream>& upstreams() const noexcept { return upstreams_; }
  [[nodiscard]] bool established() const noexcept;
  /// The same of one that is a client of this relay.
  [[nodiscard]] bool established_here() const noexcept;
  /// A publisher has been asked and has not answered.
  [[nodiscard]] bool asking() const noexcept;
  /// Whether nobody but upstreams wants it: then they are not asked for it.
  [[nodiscard]] bool wanted_here() const noexcept;

  std::vector<Waiting>& waiting() noexcept { return waiting_; }
  std::vector<Waking> waking;
  Search& search();
  void end_search() noexcept { search_.reset(); }
  [[nodiscard]] const std::optional<Search>& searching() const noexcept { return search_; }

  // ---- a lost publisher, and another in its place ----
  /// When its last publisher was lost while somebody was subscribed: another may take its place.
  std::optional<moqt::session::Time> lost;
  bool lost_upstream = false;  ///< that was an upstream
  /// Where what subscriptions here have been given, or are to be given, begins.
  moqt::Location start{};
  std::unique_ptr<Backfill> backfill;  ///< what was missed is on its way
  /// The publisher that brings the backfill has said that the track is over: it ends here when that has come.
  struct Done {
    Peer* peer;
    moqt::session::RequestHandle request;
    moqt::PublishDoneCode code;
    std::string reason;
    bool whole;  ///< every stream has come
  };
  std::optional<Done> done;
  /// The last publisher has said that the track is over, and nothing of it is missing.
  bool over = false;
  /// When the last subscriber left; what comes from an upstream goes on coming for a while.
  std::optional<moqt::session::Time> unwanted;
  /// The Supply's: when it has something to do for the track.
  std::optional<moqt::session::Time> alarm;

  // ---- listeners ----
  /// Where the latest PUBLISH of the track stands in the order of all of them; 0 without one.
  std::uint64_t offer = 0;

  // ---- what is known of the track ----
  /// A publisher has answered, or offers the track: takes over what it says in SUBSCRIBE_OK or PUBLISH. When nobody
  /// else publishes the track and what it says lies before what is known, the name has been taken for something new:
  /// everything known is forgotten. Unless it `may_lag`: others have been asked as well, and it is the first to answer.
  void learn(const moqt::MessageParameters& parameters, bool sole_publisher, bool may_lag);
  /// The same of an offer that sends nothing yet, of a track that nobody sends.
  void learn_offered(const moqt::MessageParameters& parameters);
  /// A publisher says where the track stands, without an object. Whether that is further than was known.
  bool learn_largest(moqt::Location said);
  /// The same of one that takes the place of a lost publisher, or goes on after a pause: perhaps it is a little behind
  /// what is known, or does not say where it is. False when the name has been taken for something new after all.
  bool learn_on(const moqt::MessageParameters& parameters, bool may_lag);
  /// Whether its publisher took the place of another and has not said where it is: its first object will.
  [[nodiscard]] bool unproven() const noexcept { return unproven_; }
  /// That object: one that is not behind what is known belongs to something new, and everything known is forgotten.
  /// Whether it goes on with the track.
  bool prove(moqt::Location location, bool may_lag);
  /// What the relay says of the track in its own SUBSCRIBE_OK, PUBLISH or REQUEST_OK (LARGEST_OBJECT included).
  [[nodiscard]] moqt::MessageParameters description() const;
  [[nodiscard]] std::optional<moqt::Location> largest() const noexcept { return publisher_.store().largest(); }
  [[nodiscard]] bool dynamic_groups() const noexcept { return properties_.dynamic_groups().value_or(false); }
  /// No stream of its largest group broke off: nothing follows what is known to be the largest object.
  [[nodiscard]] bool ends_whole() const;
  /// An object of the track has come.
  void note(moqt::Location location) noexcept;

  // ---- NEW_GROUP_REQUEST [d15 §9.2.1.12] ----
  /// Whether a request for `value` has to go upstream, where the track is established.
  [[nodiscard]] bool needs_new_group(std::uint64_t value) const noexcept;
  /// It was sent, and is outstanding until the largest group increases.
  void note_new_group_request(std::uint64_t value) noexcept;
  /// A subscriber wants one before any publisher has accepted; the largest of such requests counts.
  void want_new_group(std::uint64_t value) noexcept { wanted_group_ = std::max(wanted_group_.value_or(0), value); }
  [[nodiscard]] std::optional<std::uint64_t> wanted_new_group() const noexcept { return wanted_group_; }
  std::optional<std::uint64_t> take_wanted_new_group() noexcept { return std::exchange(wanted_group_, std::nullopt); }

  /// Somebody wants it, or brings it.
  [[nodiscard]] bool in_use() const noexcept {
    return !upstreams_.empty() || wanted() || !publisher_.fetches().empty() || fetches > 0;
  }
  /// Somebody wants to subscribe to it, or has.
  [[nodiscard]] bool wanted() const noexcept { return publisher_.subscribers() > 0 || !waiting_.empty(); }
  /// Somebody wants its objects: has Forward State 1, or waits.
  [[nodiscard]] bool demanded() const noexcept { return forwarding > 0 || !waiting_.empty() || !waking.empty(); }
  std::size_t forwarding = 0;  ///< subscribers with Forward State 1
  std::size_t upward = 0;      ///< subscribers that are upstreams
  bool held = false;           ///< the BackPressure's: its publishers wait for a subscriber
  bool idle = false;           ///< the TrackTable's: only what is cached is left of it
  std::size_t fetches = 0;     ///< FETCH requests, of clients and to publishers, that have not been forgotten

 private:
  void take_properties(const moqt::MessageParameters& parameters);
  void note_largest(moqt::Location said);
  /// Whether one that is no further than there may be a little behind with this same track: the object there is here,
  /// or is the last one before what subscriptions here were given.
  [[nodiscard]] bool was_at(moqt::Location said);
  void forget();

  moqt::FullTrackName name_;
  base::Charge memory_;  ///< of this record
  moqt::objects::TrackPublisher publisher_;
  std::vector<Upstream> upstreams_;
  std::vector<Waiting> waiting_;
  std::optional<Search> search_;
  bool unproven_ = false;
  moqt::MessageParameters properties_;
  struct RequestedGroup {
    std::uint64_t value = 0;
    std::optional<std::uint64_t> above;  ///< the largest group when it was sent
  };
  std::optional<RequestedGroup> requested_group_;  ///< outstanding at the publishers
  std::optional<std::uint64_t> wanted_group_;
};

}  // namespace msquic_py::relay

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/session.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"

namespace msquic_py::relay {

struct Peer;

/// A track that the relay receives from one or more publishers, keeps for a while, and sends to its subscribers.
class Track {
 public:
  /// One subscription to the track at one publisher.
  struct Upstream {
    Peer* peer;
    moqt::session::RequestHandle request;
    bool established;   ///< SUBSCRIBE_OK or our PUBLISH_OK
    bool from_publish;  ///< the publisher's PUBLISH; it stays when no subscriber is left
  };
  /// A SUBSCRIBE that waits until a publisher has accepted ours [d15 §8.4].
  struct Waiting {
    Peer* peer;
    moqt::session::RequestHandle request;
    std::optional<moqt::SubscriptionFilter> filter;
    /// RENDEZVOUS_TIMEOUT: until when it waits for a publisher to appear; nothing: it does not.
    std::optional<moqt::session::Time> until{};
  };

  Track(moqt::FullTrackName name, const RelayLimits& limits, RelayCounters& counters,
        const std::shared_ptr<base::Account>& account);
  Track(const Track&) = delete;
  Track& operator=(const Track&) = delete;

  [[nodiscard]] const moqt::FullTrackName& name() const noexcept { return name_; }
  /// Its objects and its subscribers.
  [[nodiscard]] moqt::objects::TrackPublisher& publisher() noexcept { return publisher_; }
  [[nodiscard]] moqt::objects::TrackStore& store() noexcept { return publisher_.store(); }

  // ---- publishers ----
  void add_upstream(const Upstream& upstream);
  [[nodiscard]] Upstream* upstream(const Peer& peer, moqt::session::RequestHandle request) noexcept;
  [[nodiscard]] bool has_upstream_at(const Peer& peer) const noexcept;
  void remove_upstream(const Peer& peer, moqt::session::RequestHandle request);
  [[nodiscard]] const std::vector<Upstream>& upstreams() const noexcept { return upstreams_; }
  [[nodiscard]] bool established() const noexcept;

  std::vector<Waiting>& waiting() noexcept { return waiting_; }

  // ---- listeners ----
  /// Where the latest PUBLISH of the track stands in the order of all of them; 0 without one.
  std::uint64_t offer = 0;

  // ---- what is known of the track ----
  /// A publisher has answered, or offers the track: takes over what it says in SUBSCRIBE_OK or PUBLISH. When nobody
  /// else publishes the track and what it says lies before what is known, the name has been taken for something new:
  /// everything known is forgotten.
  void learn(const moqt::MessageParameters& parameters, bool sole_publisher);
  /// What the relay says of the track in its own SUBSCRIBE_OK, PUBLISH or REQUEST_OK (LARGEST_OBJECT included).
  [[nodiscard]] moqt::MessageParameters description() const;
  [[nodiscard]] std::optional<moqt::Location> largest() const noexcept { return publisher_.store().largest(); }
  [[nodiscard]] bool dynamic_groups() const noexcept { return properties_.dynamic_groups().value_or(false); }
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
  bool held = false;        ///< the BackPressure's: its publishers wait for a subscriber
  bool idle = false;        ///< the TrackTable's: only what is cached is left of it
  std::size_t fetches = 0;  ///< FETCH requests, of clients and to publishers, that have not been forgotten

 private:
  moqt::FullTrackName name_;
  base::Charge memory_;  ///< of this record
  moqt::objects::TrackPublisher publisher_;
  std::vector<Upstream> upstreams_;
  std::vector<Waiting> waiting_;
  moqt::MessageParameters properties_;
  struct RequestedGroup {
    std::uint64_t value = 0;
    std::optional<std::uint64_t> above;  ///< the largest group when it was sent
  };
  std::optional<RequestedGroup> requested_group_;  ///< outstanding at the publishers
  std::optional<std::uint64_t> wanted_group_;
};

}  // namespace msquic_py::relay

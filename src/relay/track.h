#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/session/data/object_event.h"
#include "relay/downstream.h"
#include "relay/duplicate_filter.h"

namespace msquic_py::relay {

/// A track that the relay receives from one or more publishers and sends to its subscribers.
class Track {
 public:
  /// One subscription to the track at one publisher.
  struct Upstream {
    Peer* peer;
    moqt::session::RequestHandle request;
    bool established;   ///< SUBSCRIBE_OK or our PUBLISH_OK
    bool from_publish;  ///< the publisher's PUBLISH; it stays when no subscriber is left
  };
  /// A SUBSCRIBE that waits until a publisher has accepted ours (section 8.4).
  struct Waiting {
    Peer* peer;
    moqt::session::RequestHandle request;
    std::optional<moqt::SubscriptionFilter> filter;
  };

  explicit Track(moqt::FullTrackName name) noexcept : name_(std::move(name)) {}
  Track(const Track&) = delete;
  Track& operator=(const Track&) = delete;

  [[nodiscard]] const moqt::FullTrackName& name() const noexcept { return name_; }

  // ---- publishers ----
  void add_upstream(const Upstream& upstream) { upstreams_.push_back(upstream); }
  [[nodiscard]] Upstream* upstream(const Peer& peer, moqt::session::RequestHandle request) noexcept;
  [[nodiscard]] bool has_upstream_at(const Peer& peer) const noexcept;
  void remove_upstream(const Peer& peer, moqt::session::RequestHandle request);
  [[nodiscard]] const std::vector<Upstream>& upstreams() const noexcept { return upstreams_; }
  [[nodiscard]] bool established() const noexcept;

  // ---- subscribers ----
  /// Slots stay where they are while a subscriber lives, so that forwarders can refer to them; empty ones are null.
  [[nodiscard]] const std::vector<std::unique_ptr<Downstream>>& downstreams() const noexcept { return downstreams_; }
  Downstream& add_downstream(Peer& peer, moqt::session::RequestHandle request);
  [[nodiscard]] Downstream* downstream(const Peer& peer, moqt::session::RequestHandle request) noexcept;
  [[nodiscard]] bool has_downstream_at(const Peer& peer) const noexcept;
  void remove_downstream(const Peer& peer, moqt::session::RequestHandle request);
  [[nodiscard]] std::size_t subscriber_count() const noexcept { return subscribers_; }
  std::vector<Waiting>& waiting() noexcept { return waiting_; }

  // ---- listeners ----
  /// Where the latest PUBLISH of the track stands in the order of all of them; 0 without one.
  std::uint64_t offer = 0;

  // ---- what is known of the track ----
  /// Takes over what a publisher said in SUBSCRIBE_OK or PUBLISH.
  void learn(const moqt::MessageParameters& parameters);
  /// What the relay says of the track in its own SUBSCRIBE_OK, PUBLISH or REQUEST_OK (LARGEST_OBJECT included).
  [[nodiscard]] moqt::MessageParameters description() const;
  [[nodiscard]] std::optional<moqt::Location> largest() const noexcept { return largest_; }
  [[nodiscard]] bool dynamic_groups() const noexcept { return properties_.dynamic_groups().value_or(false); }
  /// Notes an object of a subgroup; false when it is a duplicate.
  bool admit(moqt::Location location, std::uint64_t subgroup);
  bool admit_datagram(moqt::Location location);

  // ---- NEW_GROUP_REQUEST (section 9.2.1.12) ----
  /// Whether a request for `value` has to go upstream, where the track is established.
  [[nodiscard]] bool needs_new_group(std::uint64_t value) const noexcept;
  /// It was sent, and is outstanding until the largest group increases.
  void note_new_group_request(std::uint64_t value) noexcept;
  /// A subscriber wants one before any publisher has accepted; the largest of such requests counts.
  void want_new_group(std::uint64_t value) noexcept { wanted_group_ = std::max(wanted_group_.value_or(0), value); }
  [[nodiscard]] std::optional<std::uint64_t> wanted_new_group() const noexcept { return wanted_group_; }
  std::optional<std::uint64_t> take_wanted_new_group() noexcept { return std::exchange(wanted_group_, std::nullopt); }

  [[nodiscard]] bool unused() const noexcept { return upstreams_.empty() && subscribers_ == 0 && waiting_.empty(); }

 private:
  void note(moqt::Location location) noexcept;

  moqt::FullTrackName name_;
  std::vector<Upstream> upstreams_;
  std::vector<std::unique_ptr<Downstream>> downstreams_;
  std::size_t subscribers_ = 0;
  std::uint64_t next_serial_ = 1;
  std::vector<Waiting> waiting_;
  moqt::MessageParameters properties_;
  std::optional<moqt::Location> largest_;
  DuplicateFilter duplicates_;
  bool ever_several_publishers_ = false;
  struct RequestedGroup {
    std::uint64_t value = 0;
    std::optional<std::uint64_t> above;  ///< the largest group when it was sent
  };
  std::optional<RequestedGroup> requested_group_;  ///< outstanding at the publishers
  std::optional<std::uint64_t> wanted_group_;
};

}  // namespace msquic_py::relay

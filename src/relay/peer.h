#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "moqt/model/message_parameters.h"
#include "moqt/model/object_filter.h"
#include "moqt/model/track_namespace.h"
#include "moqt/objects/outlet.h"
#include "moqt/objects/subgroup_writer.h"
#include "moqt/objects/subscription.h"
#include "moqt/session/session.h"
#include "relay/upstream.h"

namespace msquic_py::relay {

class Track;

using Outlet = moqt::objects::Outlet;

// What a request handle of a session stands for at the relay.

/// The relay receives `track` from this peer: its own SUBSCRIBE, or the peer's PUBLISH.
struct UpstreamRole {
  Track* track;
  moqt::Location start{};  ///< where the subscription begins
};
/// The relay sends `track` to this peer: the peer's SUBSCRIBE, or its own PUBLISH.
struct DownstreamRole {
  Track* track;
  moqt::objects::Subscription* subscription = nullptr;  ///< null while it waits for a publisher
  bool forward = false;                                 ///< counted in Track::forwarding
};
/// The relay's SUBSCRIBE_UPDATE that lets a PUBLISH of the peer go on which waited for somebody who wants it.
struct WakeRole {
  Track* track;
  moqt::session::RequestHandle offer;
};
/// The relay's FETCH to this peer of what `track` has missed.
struct BackfillRole {
  Track* track;
};
/// The peer's FETCH.
struct FetchRole {
  Track* track;
};
/// The relay's FETCH to this peer, on behalf of others.
struct UpstreamFetchRole {
  std::uint64_t fetch;
};
/// The peer's PUBLISH_NAMESPACE.
struct PublishedNamespaceRole {
  moqt::TrackNamespace track_namespace;
};
/// What the peer, which subscribed to a prefix, has been told of: by PUBLISH_NAMESPACE or NAMESPACE.
struct AnnouncementRole {
  moqt::TrackNamespace track_namespace;
};
/// The relay's TRACK_STATUS, on behalf of another peer's.
struct StatusQueryRole {
  std::uint64_t query;
};
/// A mark of a relay that the peer passes on, and whether it is this relay's own (see LoopGuard).
struct MarkRole {
  moqt::TrackNamespace mark;
  bool own = false;
};
using Role = std::variant<UpstreamRole, DownstreamRole, WakeRole, BackfillRole, FetchRole, UpstreamFetchRole,
                          PublishedNamespaceRole, AnnouncementRole, StatusQueryRole, MarkRole>;

/// A stream of objects that the peer sends.
struct IncomingSubgroup {
  moqt::session::RequestHandle upstream;
  Track* track;
  moqt::objects::SubgroupWriter writer;
  /// Subscriptions to the same track, under the same Track Alias, that may have it, too (draft-22 section 3.1).
  std::vector<moqt::session::RequestHandle> others{};
  /// Of the present object, which all that want it bring: the first of them.
  moqt::session::RequestHandle bringer{};
  std::optional<moqt::Location> latest{};
};

/// The peer's SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS, and what it has not been told yet because too many requests wait
/// for its credit: everything from these places on in the order of publication.
struct NamespaceInterest {
  moqt::session::RequestHandle request{};  ///< null for an upstream, which is told without having asked
  moqt::TrackNamespace prefix;
  moqt::session::NamespaceInterest what = moqt::session::NamespaceInterest::kBoth;
  bool forward = true;  ///< Forward State of the PUBLISH messages that come of it [d15 §9.23]
  /// What else SUBSCRIBE_TRACKS says of the subscriptions that come of it (draft-22 section 3.6.2).
  moqt::MessageParameters parameters{};
  moqt::TrackFilter tracks{};  ///< which tracks it is for
  std::optional<std::uint64_t> namespaces_from;
  std::optional<std::uint64_t> tracks_from;
};

/// One session at the relay. Whoever keeps a pointer to a peer lets go of it when the relay says that it is leaving.
struct Peer final : Outlet {
  Peer(std::uint64_t number_, moqt::session::Session& session_, Outlet& outlet_, std::string address_ = {}) noexcept
      : number(number_), session(session_), outlet(outlet_), address(std::move(address_)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void make_ready() override { outlet.make_ready(); }
  void settle_later() override { unsettled = true; }

  template <class T>
  T* role(moqt::session::RequestHandle handle) {
    const auto found = roles.find(handle);
    return found == roles.end() ? nullptr : std::get_if<T>(&found->second);
  }

  /// Whether it wants the track itself: subscribes to it, or waits for it.
  [[nodiscard]] bool wants(const Track& track) const { return wanted.contains(&track); }
  /// Whether it is, or speaks for, a relay: then it hears only of what others publish, and is not asked for what it
  /// wants itself.
  [[nodiscard]] bool is_relay() const noexcept { return upstream != nullptr || marked; }
  /// Whether what this relay asks upstream under that name comes back to it through this peer.
  [[nodiscard]] bool loops(const moqt::TrackNamespace& name) const {
    return std::any_of(looped.begin(), looped.end(), [&](const moqt::TrackNamespace& prefix) {
      return prefix.is_prefix_of(name) || name.is_prefix_of(prefix);
    });
  }

  const std::uint64_t number;  ///< never reused
  moqt::session::Session& session;
  Outlet& outlet;
  const std::string address;  ///< for people and policies; empty when unknown
  using Interests = std::unordered_map<moqt::session::RequestHandle, NamespaceInterest>;
  /// Its interest in a namespace, or in the tracks there, if it has one; prefixes that ask for the same do not overlap.
  Interests::value_type* namespace_interest_in(const moqt::TrackNamespace& track_namespace) {
    return find_interest(track_namespace, moqt::session::wants_namespaces);
  }
  Interests::value_type* track_interest_in(const moqt::TrackNamespace& track_namespace) {
    return find_interest(track_namespace, moqt::session::wants_tracks);
  }

  std::unordered_map<moqt::session::RequestHandle, Role> roles;
  Interests interests;
  std::map<moqt::TrackNamespace, moqt::session::RequestHandle> announcements;  ///< the relay's, to this peer
  /// What it told of with NAMESPACE, and the relay's request that it is told for.
  std::map<moqt::TrackNamespace, moqt::session::RequestHandle> told;
  std::unordered_map<moqt::session::IncomingStreamId, IncomingSubgroup> subgroups;
  std::unordered_map<const Track*, std::size_t> wanted;  ///< its DownstreamRoles, by track
  Upstream* upstream = nullptr;                          ///< it was dialled; null for a client
  std::vector<moqt::TrackNamespace> looped;              ///< what is refused to it
  bool marked = false;                                   ///< it has passed on a mark of a relay
  bool inner = false;                                    ///< this same relay, on another event loop
  bool leaving = false;                                  ///< its session is over
  bool unsettled = false;  ///< some subscription of this peer has retired streams, or has ended
  bool unasked = false;    ///< a SUBSCRIBE to this peer was not made: too many requests wait for its credit

 private:
  template <class Wants>
  Interests::value_type* find_interest(const moqt::TrackNamespace& track_namespace, Wants asks_for) {
    for (auto& entry : interests) {
      if (asks_for(entry.second.what) && entry.second.prefix.is_prefix_of(track_namespace)) return &entry;
    }
    return nullptr;
  }
};

}  // namespace msquic_py::relay

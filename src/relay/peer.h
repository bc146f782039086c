#pragma once

#include <cstdint>
#include <unordered_map>
#include <variant>

#include "moqt/model/track_namespace.h"
#include "moqt/session/session.h"
#include "relay/subgroup_forwarder.h"

namespace msquic_py::relay {

class Track;

/// Tells whoever drives a session that the session has something to send.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void make_ready() = 0;
};

// What a request handle of a session stands for at the relay.

/// The relay receives `track` from this peer: its own SUBSCRIBE, or the peer's PUBLISH.
struct UpstreamRole {
  Track* track;
};
/// The relay sends `track` to this peer: the peer's SUBSCRIBE, or its own PUBLISH.
struct DownstreamRole {
  Track* track;
};
/// The peer's PUBLISH_NAMESPACE.
struct PublishedNamespaceRole {
  moqt::TrackNamespace track_namespace;
};
/// The peer's SUBSCRIBE_NAMESPACE.
struct NamespaceInterestRole {
  moqt::TrackNamespace prefix;
};
/// The relay's PUBLISH_NAMESPACE to the peer.
struct AnnouncementRole {
  moqt::TrackNamespace track_namespace;
};
/// The relay's TRACK_STATUS, on behalf of another peer's.
struct StatusQueryRole {
  std::uint64_t query;
};
using Role = std::variant<UpstreamRole, DownstreamRole, PublishedNamespaceRole, NamespaceInterestRole, AnnouncementRole,
                          StatusQueryRole>;

/// One session at the relay. Whoever keeps a pointer to a peer lets go of it when the relay says that it is leaving.
struct Peer {
  Peer(std::uint64_t number_, moqt::session::Session& session_, Outlet& outlet_) noexcept
      : number(number_), session(session_), outlet(outlet_) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  template <class T>
  T* role(moqt::session::RequestHandle handle) {
    const auto found = roles.find(handle);
    return found == roles.end() ? nullptr : std::get_if<T>(&found->second);
  }

  const std::uint64_t number;  ///< never reused
  moqt::session::Session& session;
  Outlet& outlet;
  std::unordered_map<moqt::session::RequestHandle, Role> roles;
  std::unordered_map<moqt::session::IncomingStreamId, SubgroupForwarder> subgroups;
  bool has_retired_streams = false;  ///< some downstream at this peer may have one
};

}  // namespace msquic_py::relay

#pragma once

#include <cstddef>
#include <unordered_map>

#include "moqt/model/track_namespace.h"
#include "moqt/session/handles.h"

namespace msquic_py::relay {

struct Peer;

/// A relay, or any publisher, that this relay dials: asked for what nobody here publishes, and told what is published
/// here.
struct Upstream {
  Upstream(std::size_t number_, moqt::TrackNamespace prefix_) : number(number_), prefix(std::move(prefix_)) {}

  const std::size_t number;           ///< in the order in which they are asked
  const moqt::TrackNamespace prefix;  ///< of the namespaces that it is there for; without fields: all
  Peer* peer = nullptr;               ///< its session; null while there is none
  bool expected = true;               ///< without a session: one is being made
  /// SUBSCRIBE_NAMESPACE of this relay, for listeners here, by prefix.
  std::unordered_map<moqt::TrackNamespace, moqt::session::RequestHandle> interests;
  /// Marks of relays that this relay has passed on, or its own (see LoopGuard).
  std::unordered_map<moqt::TrackNamespace, moqt::session::RequestHandle> marks;
};

}  // namespace msquic_py::relay

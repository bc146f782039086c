#pragma once

#include "moqt/wire/namespace.h"

namespace msquic_py::moqt::session {

/// What a subscription to a namespace prefix asks for: its namespaces (SUBSCRIBE_NAMESPACE from draft 17 on), its
/// tracks (SUBSCRIBE_TRACKS), or both (SUBSCRIBE_NAMESPACE up to draft 15).
using wire::NamespaceInterest;

/// Whether whoever asks for that wants to hear of namespaces, and whether of tracks.
constexpr bool wants_namespaces(NamespaceInterest interest) noexcept { return interest != NamespaceInterest::kPublish; }
constexpr bool wants_tracks(NamespaceInterest interest) noexcept { return interest != NamespaceInterest::kNamespace; }

}  // namespace msquic_py::moqt::session

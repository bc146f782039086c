#pragma once

#include "moqt/wire/control/key_values.h"
#include "moqt/wire/control/typed_parameters.h"
#include "moqt/wire/message_fields.h"

namespace msquic_py::moqt::wire {

/// Whether the parameters of a message are followed by the properties of its track, up to its end.
template <class Traits, class Body>
inline constexpr bool kEndsWithProperties = Traits::kTrackProperties &&
                                            (std::same_as<Body, SubscribeOk> || std::same_as<Body, Publish> ||
                                             std::same_as<Body, FetchOk> ||
                                             (Traits::kPropertiesOfRequestOk &&
                                              (std::same_as<Body, RequestOk> || std::same_as<Body, PublishOk>)));

/// The places that the parameters of such a message of the draft may be in.
template <class Traits>
constexpr Places places_in(MessageType message) noexcept {
  const Places places = places_of(message);
  const bool without_publish = message == MessageType::kRequestOk && !Traits::kPublishOkIsRequestOk;
  return without_publish ? places & ~at(Place::kPublishOk) : places;
}

/// Whether a namespace in that message may have fewer fields than that of a track.
template <class Body>
inline constexpr bool kHasPrefixOrSuffix =
    std::same_as<Body, SubscribeNamespace> || std::same_as<Body, SubscribeTracks> || std::same_as<Body, Namespace> ||
    std::same_as<Body, NamespaceDone> || std::same_as<Body, PublishSkipped>;
template <class Traits, class Body>
inline constexpr std::size_t kFewestFields =
    kHasPrefixOrSuffix<Body> ? Traits::kFewestPrefixFields : Traits::kFewestNamespaceFields;

/// The properties of a track that the draft knows, as the end of a message.
template <class Traits>
KeyValues<Traits> track_properties() noexcept {
  return KeyValues<Traits>(Traits::kProperties, ~Places{0});
}

/// The last Location of a range from the one behind it, and back: where an Object ID of 0 takes a whole group in, and
/// where both ends belong to the range (draft 20 and later).
template <class Traits>
constexpr Location last_of(Location behind) noexcept {
  return {behind.group, behind.object == 0 ? Traits::Integers::kLargest : behind.object - 1};
}
template <class Traits>
constexpr Location behind(Location last) noexcept {
  return {last.group, last.object == Traits::Integers::kLargest ? 0 : last.object + 1};
}

}  // namespace msquic_py::moqt::wire

#pragma once

#include <optional>
#include <string>

#include "msf/catalog.h"

namespace msquic_py::msf {

/// A catalog of our own keeps every rule. One that was received may leave out what the draft's own examples leave out:
/// isLive of timelines, codec, bitrate and audio parameters.
enum class Strictness : std::uint8_t { kReceived, kOwn };

/// The first rule that the catalog breaks; nothing when there is none.
std::optional<std::string> catalog_fault(const Catalog& catalog, Strictness strictness);
std::optional<std::string> delta_fault(const DeltaUpdate& update);

}  // namespace msquic_py::msf

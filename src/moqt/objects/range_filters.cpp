#include "moqt/objects/range_filters.h"

#include <cstdint>
#include <optional>
#include <variant>

#include "moqt/wire/extensions.h"

namespace msquic_py::moqt::objects {

bool passes(const ObjectFilter& filter, const StoredSubgroup& subgroup, const StoredObject& object) noexcept {
  if (filter.empty()) return true;
  const ObjectFilter::Object fields{subgroup.datagrams() ? std::nullopt : std::optional(subgroup.id()), object.id,
                                    object.publisher_priority};
  return filter.passes(fields, [&](std::uint64_t type) {
    return object.extensions_size == 0 ? std::nullopt
                                       : wire::find_number(object.draft, object.extensions().view(), type);
  });
}

bool passes(const TrackFilter& filter, const MessageParameters& said) noexcept {
  return filter.passes([&](std::uint64_t type) -> std::optional<std::uint64_t> {
    for (const Parameter& each : said.items()) {
      if (each.scope != ParameterScope::kTrack) continue;
      if (const auto* number = std::get_if<std::uint64_t>(&each.value)) {
        if (each.type == type) return *number;
        continue;
      }
      const auto* bytes = std::get_if<base::ByteVector>(&each.value);
      const bool immutable = each.type == static_cast<std::uint64_t>(ExtensionType::kImmutableExtensions);
      if (!immutable || bytes == nullptr) continue;
      // Pairs inside are written alike in all drafts that have these filters.
      if (const auto inside = wire::find_number(Draft::k22, *bytes, type)) return inside;
    }
    return std::nullopt;
  });
}

}  // namespace msquic_py::moqt::objects

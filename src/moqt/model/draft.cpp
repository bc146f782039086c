#include "moqt/model/draft.h"

namespace msquic_py::moqt {

std::string_view alpn(Draft draft) noexcept {
  switch (draft) {
    case Draft::k15: return "moqt-15";  // [d15 §3.1-2]
    case Draft::k16: return "moqt-16";
    case Draft::k18: return "moqt-18";
    case Draft::k22: return "moqt-22";
  }
  return {};
}

bool has_own_control_streams(Draft draft) noexcept { return draft >= Draft::k18; }
bool has_request_streams(Draft draft) noexcept { return draft >= Draft::k16; }
bool has_status_in_fetch(Draft draft) noexcept { return draft <= Draft::k15; }
bool mixes_forwarding_preferences(Draft draft) noexcept { return draft >= Draft::k16; }
bool has_subgroup_timeouts(Draft draft) noexcept { return draft >= Draft::k18; }
bool has_fetch_gaps(Draft draft) noexcept { return draft >= Draft::k16; }
bool may_share_aliases(Draft draft) noexcept { return draft >= Draft::k22; }
std::uint64_t largest_number(Draft draft) noexcept {
  return draft >= Draft::k18 ? ~std::uint64_t{0} : (std::uint64_t{1} << 62) - 1;
}
bool has_track_properties(Draft draft) noexcept { return draft >= Draft::k16; }
bool has_empty_namespace_fields(Draft draft) noexcept { return draft <= Draft::k15; }

std::optional<Draft> draft_from_alpn(std::string_view text) noexcept {
  for (const Draft draft : kSupportedDrafts) {
    if (alpn(draft) == text) return draft;
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt

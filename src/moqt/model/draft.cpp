#include "moqt/model/draft.h"

namespace msquic_py::moqt {

std::string_view alpn(Draft draft) noexcept {
  switch (draft) {
    case Draft::k15: return "moqt-15";  // [d15 §3.1-2]
  }
  return {};
}

std::optional<Draft> draft_from_alpn(std::string_view text) noexcept {
  for (const Draft draft : kSupportedDrafts) {
    if (alpn(draft) == text) return draft;
  }
  return std::nullopt;
}

}  // namespace msquic_py::moqt

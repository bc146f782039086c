#include "moqt/session/requests/request_table.h"

#include <algorithm>

namespace msquic_py::moqt::session {

void RequestTable::end(RequestHandle handle) {
  const auto found = by_handle_.find(handle);
  if (found == by_handle_.end()) return;
  if (recent_ == found->second.get()) recent_ = nullptr;
  ended_.push_back(std::move(found->second));
  by_handle_.erase(found);
}

void RequestTable::clear() {
  recent_ = nullptr;
  for (auto& [handle, request] : by_handle_) ended_.push_back(std::move(request));
  by_handle_.clear();
}

std::vector<RequestHandle> RequestTable::receiving(const FullTrackName& track) const {
  std::vector<RequestHandle> found;
  for (const auto& [handle, request] : by_handle_) {
    const FullTrackName* its = request->received_track();
    if (its != nullptr && *its == track) found.push_back(handle);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::size_t RequestTable::count(RequestKind kind, bool ours) const noexcept {
  return static_cast<std::size_t>(std::count_if(by_handle_.begin(), by_handle_.end(), [&](const auto& entry) {
    return entry.second->kind() == kind && entry.second->ours() == ours;
  }));
}

}  // namespace msquic_py::moqt::session

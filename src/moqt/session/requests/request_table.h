#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "moqt/session/handles.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// Every live request, by handle and by the draft's Request ID.
class RequestTable {
 public:
  [[nodiscard]] RequestHandle next_handle() noexcept { return {++last_handle_}; }

  /// Takes a new request; find_ours() and find_peers() know it once bind() was called.
  template <class T>
  T& add(std::unique_ptr<T> request) {
    T& added = *request;
    by_handle_.emplace(added.handle(), std::move(request));
    return added;
  }
  /// The request has its ID now.
  void bind(Request& request) { (request.ours() ? ours_ : peers_)[*request.id()] = &request; }

  [[nodiscard]] Request* find(RequestHandle handle) const noexcept {
    const auto found = by_handle_.find(handle);
    return found == by_handle_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] Request* find_ours(std::uint64_t id) const noexcept { return find_in(ours_, id); }
  [[nodiscard]] Request* find_peers(std::uint64_t id) const noexcept { return find_in(peers_, id); }
  [[nodiscard]] std::size_t size() const noexcept { return by_handle_.size(); }

  /// Takes the request out. The object stays until bury(), because it may be the one that is running.
  void end(RequestHandle handle);
  void bury() { ended_.clear(); }
  [[nodiscard]] bool has_ended() const noexcept { return !ended_.empty(); }
  void clear();

  /// The first request of that class for which `matches` holds; null when there is none.
  template <class T, class Matches>
  T* find_first(RequestKind kind, Matches matches) const {
    for (const auto& [handle, request] : by_handle_) {
      if (request->kind() != kind) continue;
      if (auto* candidate = static_cast<T*>(request.get()); matches(*candidate)) return candidate;
    }
    return nullptr;
  }
  /// Those that bring objects of this track.
  [[nodiscard]] std::vector<RequestHandle> receiving(const FullTrackName& track) const;
  [[nodiscard]] std::size_t count(RequestKind kind, bool ours) const noexcept;

 private:
  using ById = std::unordered_map<std::uint64_t, Request*>;
  static Request* find_in(const ById& index, std::uint64_t id) noexcept {
    const auto found = index.find(id);
    return found == index.end() ? nullptr : found->second;
  }

  std::uint64_t last_handle_ = 0;
  std::unordered_map<RequestHandle, std::unique_ptr<Request>> by_handle_;
  ById ours_;
  ById peers_;
  std::vector<std::unique_ptr<Request>> ended_;
};

}  // namespace msquic_py::moqt::session

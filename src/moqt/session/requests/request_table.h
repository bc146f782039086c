#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/session/handles.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// Every live request.
class RequestTable {
 public:
  [[nodiscard]] RequestHandle next_handle() noexcept { return {++last_handle_}; }

  /// What the draft says of the requests in here.
  RequestRules rules{};
  /// MAX_FILTER_RANGES of the peer; nothing before its SETUP.
  std::optional<std::uint64_t> peer_filter_ranges{};

  /// Requests are charged to it, those that are added from now on.
  void charge_to(std::shared_ptr<base::Account> account) noexcept { account_ = std::move(account); }
  /// Those that are added now come of a message of so many bytes. Its name and tokens are kept as long as they are,
  /// and by the application perhaps once more.
  void set_message_size(std::size_t bytes) noexcept { message_size_ = bytes; }

  template <class T>
  T& add(std::unique_ptr<T> request) {
    T& added = *request;
    added.set_memory(base::Charge(account_, kRecord + 2 * message_size_));
    by_handle_.emplace(added.handle(), std::move(request));
    return added;
  }

  [[nodiscard]] Request* find(RequestHandle handle) const noexcept {
    if (recent_ != nullptr && recent_->handle() == handle) return recent_;
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end()) return nullptr;
    return recent_ = found->second.get();
  }
  [[nodiscard]] std::size_t size() const noexcept { return by_handle_.size(); }

  /// Takes the request out. The object stays until bury(), because it may be the one that is running.
  void end(RequestHandle handle);
  void bury() { ended_.clear(); }
  [[nodiscard]] bool has_ended() const noexcept { return !ended_.empty(); }
  void clear();

  /// The first request of that class for which `matches` holds; null when there is none.
  template <class T, class Matches>
  T* find_first(Matches matches) const {
    for (const auto& [handle, request] : by_handle_) {
      if (T* candidate = as<T>(request.get()); candidate != nullptr && matches(*candidate)) return candidate;
    }
    return nullptr;
  }
  template <class T, class F>
  void for_each(F each) const {
    (void)find_first<T>([&](T& request) { return each(request), false; });
  }
  /// Those that bring objects of this track.
  [[nodiscard]] std::vector<RequestHandle> receiving(const FullTrackName& track) const;
  [[nodiscard]] std::size_t count(RequestKind kind, bool ours) const noexcept;

 private:
  /// About what a request takes without what came in its message: itself, its places in the tables, its lane.
  static constexpr std::size_t kRecord = 1024;

  std::shared_ptr<base::Account> account_;
  std::size_t message_size_ = 0;
  std::uint64_t last_handle_ = 0;
  std::unordered_map<RequestHandle, std::unique_ptr<Request>> by_handle_;
  /// Who was found last. A session that serves one subscription asks for it several times with each object.
  mutable Request* recent_ = nullptr;
  std::vector<std::unique_ptr<Request>> ended_;
};

}  // namespace msquic_py::moqt::session

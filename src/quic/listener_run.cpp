#include "quic/listener_run.h"

#include <algorithm>
#include <mutex>

#include "quic/library.h"
#include "quic/listener_state.h"

namespace msquic_py::quic {
namespace {

struct Runs {
  std::mutex mutex;  // guards all members of all runs; never held across a call of MsQuic
  std::vector<ListenerRun*> all;
};

Runs& runs() {
  static Runs* const instance = new Runs;  // used until the process ends
  return *instance;
}

}  // namespace

ListenerRun::ListenerRun(const RegistrationState& registration, std::shared_ptr<PortClaim> port)
    : registration_(registration), port_(std::move(port)) {
  const std::lock_guard lock(runs().mutex);
  runs().all.push_back(this);
}

ListenerRun::~ListenerRun() {
  {
    const std::lock_guard lock(runs().mutex);
    std::erase(runs().all, this);
    if (ListenerRun* const other = another_on_the_port(); other != nullptr && !refusing_.empty()) {
      other->refusing_.insert(other->refusing_.end(), refusing_.begin(), refusing_.end());
      refusing_.clear();
    }
  }
  if (Library::finalizing()) return;
  for (const auto& [listener, handle] : refusing_) listener->close_in_background(handle, nullptr);
}

ListenerRun* ListenerRun::another_on_the_port() const noexcept {
  const auto keeps_it_open = [this](const ListenerRun* other) {
    return other != this && other->port_ == port_ && &other->registration_ == &registration_;
  };
  const auto found = std::find_if(runs().all.begin(), runs().all.end(), keeps_it_open);
  return found == runs().all.end() ? nullptr : *found;
}

void ListenerRun::started(std::uint16_t port) {
  const std::lock_guard lock(runs().mutex);
  if (!port_) port_ = PortClaim::take(port);
}

bool ListenerRun::refuse(ListenerState& listener, HQUIC handle, bool left) {
  const std::lock_guard lock(runs().mutex);
  ListenerRun* const keeper = left ? this : another_on_the_port();
  if (keeper == nullptr) return false;
  keeper->refusing_.emplace_back(&listener, handle);
  return true;
}

void ListenerRun::make_way(const PortClaim& port) noexcept {
  Refusing gone;
  {
    const std::lock_guard lock(runs().mutex);
    for (ListenerRun* const run : runs().all) {
      if (run->port_.get() != &port) continue;
      gone.insert(gone.end(), run->refusing_.begin(), run->refusing_.end());
      run->refusing_.clear();
    }
  }
  for (const auto& [listener, handle] : gone) {
    api().ListenerStop(handle);
    listener->close_in_background(handle, nullptr);
  }
}

}  // namespace msquic_py::quic

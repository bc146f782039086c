#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "moqt/model/location.h"
#include "moqt/session/session_error.h"

namespace msquic_py::python {

/// Objects that Python has written and the library did not take: the sessions' thread finds out when Python has long
/// gone on, and is told with what it does next. Any thread.
class RefusedObjects {
 public:
  struct Refusal {
    moqt::Location place;
    std::string reason;
  };

  void note(moqt::Location place, moqt::session::SessionError why) {
    ++count_;
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = Refusal{place, std::string(moqt::session::describe(why))};
  }
  /// All of them, ever.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The first since the last call.
  [[nodiscard]] std::optional<Refusal> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(first_, std::nullopt);
  }

 private:
  std::atomic<std::uint64_t> count_{0};
  std::mutex mutex_;
  std::optional<Refusal> first_;
};

}  // namespace msquic_py::python

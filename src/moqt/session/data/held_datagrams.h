#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/shared_bytes.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// Datagrams whose track alias nobody has introduced yet, in the order of their arrival [d15 §10.3].
class HeldDatagrams {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  void add(std::uint64_t alias, base::SharedBytes datagram, Time now);
  /// Takes the oldest one for that alias out.
  std::optional<base::SharedBytes> take(std::uint64_t alias);
  /// Drops those that came before `oldest`.
  void drop_before(Time oldest);
  void clear();

 private:
  struct Item {
    std::uint64_t alias = 0;
    base::SharedBytes datagram;
    Time since{};
  };
  std::vector<Item> items_;
  std::size_t bytes_ = 0;
};

}  // namespace msquic_py::moqt::session

#include "moqt/session/data/held_datagrams.h"

#include <algorithm>
#include <utility>

namespace msquic_py::moqt::session {

void HeldDatagrams::add(std::uint64_t alias, base::SharedBytes datagram, Time now) {  // [d15 §10.1-2]
  bytes_ += datagram.size();
  items_.push_back({alias, std::move(datagram), now});
}

std::optional<base::SharedBytes> HeldDatagrams::take(std::uint64_t alias) {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [alias](const Item& item) { return item.alias == alias; });
  if (found == items_.end()) return std::nullopt;
  base::SharedBytes datagram = std::move(found->datagram);
  items_.erase(found);
  bytes_ -= datagram.size();
  return datagram;
}

void HeldDatagrams::drop_before(Time oldest) {
  std::erase_if(items_, [&](const Item& item) {
    if (item.since >= oldest) return false;
    bytes_ -= item.datagram.size();
    return true;
  });
}

void HeldDatagrams::clear() {
  items_.clear();
  bytes_ = 0;
}

}  // namespace msquic_py::moqt::session

#include "moqt/pubsub/received_object.h"

#include <cstring>

namespace msquic_py::moqt::pubsub {

void ReceivedObject::copy_payload(std::uint8_t* out) const noexcept {
  for (const base::SharedBytes& piece : payload) {
    if (piece.empty()) continue;
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
  }
}

}  // namespace msquic_py::moqt::pubsub

#pragma once

#include <cstdint>

namespace msquic_py::moqt {

/// How the objects of a track travel; one value for the whole track [d15 §10.2.1].
enum class ForwardingPreference : std::uint8_t { kSubgroup, kDatagram };

}  // namespace msquic_py::moqt

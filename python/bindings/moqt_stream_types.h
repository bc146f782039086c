#pragma once

#include <cstdint>

namespace msquic_py::python {

// The codec works with the bits of these types; that they have names is a convenience of Python.
enum class SubgroupHeaderType : std::uint64_t {};
enum class DatagramType : std::uint64_t {};

}  // namespace msquic_py::python

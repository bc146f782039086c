#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "msf/catalog.h"

namespace msquic_py::msf {

inline std::filesystem::path examples() { return std::filesystem::path(MSQUIC_PY_TEST_VECTORS) / "msf"; }

/// The JSON of one example of the draft.
inline std::string example(const std::string& name) {
  std::ifstream file(examples() / (name + ".json"));
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Catalog decoded(const std::string& json) {
  auto object = decode_catalog(json);
  if (!object) {
    ADD_FAILURE() << object.error();
    return {};
  }
  return std::get<Catalog>(*object);
}

inline std::string error_of(const std::string& json) {
  auto object = decode_catalog(json);
  return object ? "no error" : object.error();
}

}  // namespace msquic_py::msf

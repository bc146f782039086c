#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/decoded.h"

namespace msquic_py::tests {

using Json = nlohmann::json;

/// A file of wire vectors; its form is documented in tests/vectors/README.md.
struct VectorFile {
  std::string kind;
  std::vector<Json> vectors;
};

/// Reads draft15/NAME.json. Throws with the path when the file is missing, is no JSON, or holds no vector.
VectorFile load_vectors(const std::string& name, const std::string& kind);

/// The bytes of a "hex" value: a string with spaces, or a list of strings and {"repeat", "count"}.
base::ByteVector bytes_of(const Json& hex);
/// The bytes of a text value: a string, {"hex"}, or {"repeat", "count"}.
base::ByteVector text_of(const Json& text);
/// Lower-case hex without spaces.
std::string to_hex(base::Bytes bytes);

inline std::string name_of(const Json& vector) { return vector.at("name").get<std::string>(); }
inline bool is_error(const Json& vector) { return vector.contains("error"); }
inline bool is_canonical(const Json& vector) { return vector.value("canonical", false); }

/// The images that mean the same: "hex" and every "nonminimal".
std::vector<base::ByteVector> images_of(const Json& vector);

/// Whether the violation is the error, or one of the errors, that the vector names.
bool matches_error(const Json& vector, const base::Violation& violation);
std::string describe(const base::Violation& violation);

/// Lengths at which to cut `size` bytes: all of them, or for long inputs the ones near both ends and a sample
/// between.
std::vector<std::size_t> cut_points(std::size_t size);

}  // namespace msquic_py::tests

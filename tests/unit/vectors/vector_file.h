#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/decoded.h"
#include "moqt/model/draft.h"

namespace msquic_py::tests {

using Json = nlohmann::json;

/// The drafts that have vectors.
inline constexpr moqt::Draft kVectorDrafts[] = {moqt::Draft::k15, moqt::Draft::k16, moqt::Draft::k18, moqt::Draft::k22};

/// A file of wire vectors of one draft. Shows as "draft15_setup" in the name of a test.
struct VectorSet {
  moqt::Draft draft;
  const char* name;
};
inline std::string test_name(const testing::TestParamInfo<VectorSet>& suite) {
  return "draft" + std::to_string(static_cast<int>(suite.param.draft)) + "_" + suite.param.name;
}
inline std::string draft_name(const testing::TestParamInfo<moqt::Draft>& suite) {
  return "draft" + std::to_string(static_cast<int>(suite.param));
}

/// A file of wire vectors; its form is documented in tests/vectors/README.md.
struct VectorFile {
  moqt::Draft draft;
  std::string kind;
  std::vector<Json> vectors;
};

/// Reads draftNN/NAME.json. Throws with the path when the file is missing, is no JSON, or holds no vector.
VectorFile load_vectors(moqt::Draft draft, const std::string& name, const std::string& kind);
inline VectorFile load_vectors(const std::string& name, const std::string& kind) {
  return load_vectors(moqt::Draft::k15, name, kind);
}

/// The bytes of a "hex" value: a string with spaces, or a list of strings and {"repeat", "count"}. The marks `~` before
/// an integer and `#` before the Length of a control message are no bytes.
base::ByteVector bytes_of(const Json& hex);
/// The bytes of a text value: a string, {"hex"}, or {"repeat", "count"}.
base::ByteVector text_of(const Json& text);
/// Lower-case hex without spaces.
std::string to_hex(base::Bytes bytes);

inline std::string name_of(const Json& vector) { return vector.at("name").get<std::string>(); }
inline bool is_error(const Json& vector) { return vector.contains("error"); }
inline bool is_canonical(const Json& vector) { return vector.value("canonical", false); }

/// The images that mean the same: "hex", every "nonminimal", and where integers are marked with `~`, those with every
/// one of them in each length that the draft has and that holds it.
std::vector<base::ByteVector> images_of(moqt::Draft draft, const Json& vector);
/// Bytes of the integer that begins with that byte, in that draft.
std::size_t integer_size(moqt::Draft draft, std::uint8_t first);

/// Whether the violation is the error, or one of the errors, that the vector names.
bool matches_error(const Json& vector, const base::Violation& violation);
std::string describe(const base::Violation& violation);

/// Lengths at which to cut `size` bytes: all of them, or for long inputs the ones near both ends and a sample
/// between.
std::vector<std::size_t> cut_points(std::size_t size);

}  // namespace msquic_py::tests

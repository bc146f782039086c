#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace msquic_py::moqt {

inline constexpr std::size_t kMaxNamespaceFields = 32;

/// An ordered tuple of byte fields; valid on the wire with 1 to 32 of them [d15 §2.4.1]. Two namespaces are
/// equal when their fields are, byte for byte: ("ab","c") is not ("a","bc").
class TrackNamespace {
 public:
  TrackNamespace() = default;
  explicit TrackNamespace(std::vector<base::ByteVector> fields) noexcept : fields_(std::move(fields)) {}
  /// Fields given as text: TrackNamespace{"moq-test", "interop"}.
  TrackNamespace(std::initializer_list<std::string_view> fields);

  [[nodiscard]] const std::vector<base::ByteVector>& fields() const noexcept { return fields_; }
  [[nodiscard]] std::size_t field_count() const noexcept { return fields_.size(); }
  void append(base::Bytes field) { fields_.emplace_back(field.begin(), field.end()); }

  /// The sum of the field lengths in bytes.
  [[nodiscard]] std::size_t length() const noexcept;
  /// Whether 1 to 32 fields of together at most 4096 bytes.
  [[nodiscard]] bool valid() const noexcept;
  /// Whether every field of this one is, in order, a field of `other`. A namespace is a prefix of itself.
  [[nodiscard]] bool is_prefix_of(const TrackNamespace& other) const noexcept;

  /// For people: fields joined by '/', bytes that are not printable ASCII (and '/', '\') as \xNN.
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] std::size_t hash() const noexcept;

  bool operator==(const TrackNamespace&) const = default;
  auto operator<=>(const TrackNamespace&) const = default;

 private:
  std::vector<base::ByteVector> fields_;
};

}  // namespace msquic_py::moqt

template <>
struct std::hash<msquic_py::moqt::TrackNamespace> {
  std::size_t operator()(const msquic_py::moqt::TrackNamespace& value) const noexcept { return value.hash(); }
};

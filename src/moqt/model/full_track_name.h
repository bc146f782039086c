#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "moqt/model/track_namespace.h"

namespace msquic_py::moqt {

inline constexpr std::size_t kMaxFullTrackNameLength = 4096;

/// A track namespace and a track name; together they identify a track [d15 §2.4.1].
struct FullTrackName {
  TrackNamespace track_namespace;
  base::ByteVector track_name;  ///< may be empty

  FullTrackName() = default;
  FullTrackName(TrackNamespace ns, base::ByteVector name) noexcept
      : track_namespace(std::move(ns)), track_name(std::move(name)) {}
  FullTrackName(TrackNamespace ns, std::string_view name)
      : track_namespace(std::move(ns)), track_name(name.begin(), name.end()) {}

  /// The sum of the lengths of all namespace fields and of the track name, in bytes.
  [[nodiscard]] std::size_t length() const noexcept { return track_namespace.length() + track_name.size(); }
  /// Whether the namespace is valid and length() is at most 4096.
  [[nodiscard]] bool valid() const noexcept { return track_namespace.valid() && length() <= kMaxFullTrackNameLength; }

  /// For people: the namespace, "--", the track name.
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] std::size_t hash() const noexcept;

  bool operator==(const FullTrackName&) const = default;
  auto operator<=>(const FullTrackName&) const = default;
};

}  // namespace msquic_py::moqt

template <>
struct std::hash<msquic_py::moqt::FullTrackName> {
  std::size_t operator()(const msquic_py::moqt::FullTrackName& value) const noexcept { return value.hash(); }
};

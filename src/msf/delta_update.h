#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "msf/track.h"

namespace msquic_py::msf {

/// One operation of a delta update (section 5.1.6).
struct DeltaOperation {
  enum class Kind : std::uint8_t {
    kAdd,     ///< tracks that were not declared before
    kRemove,  ///< tracks that were; name and namespace alone
    kClone,   ///< tracks with the attributes of another (parent_name), of which those given here replace the parent's
  };
  Kind kind = Kind::kAdd;
  std::vector<Track> tracks{};
  OtherFields other{};
  bool operator==(const DeltaOperation&) const = default;
};

/// The name of an operation in JSON.
std::string_view name(DeltaOperation::Kind kind) noexcept;

/// A catalog object that changes an earlier catalog of the same group (section 5.3). See Catalog::apply().
struct DeltaUpdate {
  std::optional<double> generated_at{};
  bool is_complete = false;
  std::vector<DeltaOperation> operations{};
  OtherFields other{};

  /// JSON. An error when there is no operation, or an operation holds what it must not.
  [[nodiscard]] base::Result<std::string, std::string> encode() const;
  bool operator==(const DeltaUpdate&) const = default;
};

}  // namespace msquic_py::msf

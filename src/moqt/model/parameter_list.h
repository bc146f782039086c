#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moqt/model/parameter.h"

namespace msquic_py::moqt {

/// Parameters in wire order. Unknown ones stay where they were, so that a message encodes to what it came from.
class ParameterList {
 public:
  [[nodiscard]] const std::vector<Parameter>& items() const noexcept { return items_; }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

  void append(Parameter parameter) { items_.push_back(std::move(parameter)); }
  /// Replaces the value of the first parameter of that type and scope, or appends one.
  void set(std::uint64_t type, ParameterValue value, ParameterScope scope = ParameterScope::kMessage);
  /// Removes every parameter of that type.
  void remove(std::uint64_t type);
  /// The value of the first parameter of that type, whatever its scope; null when there is none.
  [[nodiscard]] const ParameterValue* find(std::uint64_t type) const noexcept;
  [[nodiscard]] bool contains(std::uint64_t type) const noexcept { return find(type) != nullptr; }

  bool operator==(const ParameterList&) const = default;

 protected:
  /// Of a parameter that is not to be ignored.
  template <class T>
  [[nodiscard]] const T* find_as(std::uint64_t type) const noexcept {
    for (const Parameter& parameter : items_) {
      if (parameter.type == type && parameter.scope != ParameterScope::kNone) return std::get_if<T>(&parameter.value);
    }
    return nullptr;
  }
  template <class T>
  [[nodiscard]] const T* find_as(std::uint64_t type, ParameterScope scope) const noexcept {
    for (const Parameter& parameter : items_) {
      if (parameter.type == type && parameter.scope == scope) return std::get_if<T>(&parameter.value);
    }
    return nullptr;
  }

  /// Every token under that type, in order.
  [[nodiscard]] std::vector<AuthorizationToken> tokens(std::uint64_t type) const;

  std::vector<Parameter> items_;
};

}  // namespace msquic_py::moqt

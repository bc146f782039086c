#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "moqt/model/error_codes.h"

namespace msquic_py::moqt::wire {

/// The number of a code in a draft, where it is not the code's own.
template <class Code>
struct CodeNumber {
  Code code;
  std::uint64_t number;
};
template <class Code>
CodeNumber(Code, std::uint64_t) -> CodeNumber<Code>;  // clang before 17 finds it for no aggregate by itself

/// The codes of a draft whose numbers are not those of model/error_codes.h.
struct CodeNumbers {
  std::span<const CodeNumber<RequestErrorCode>> request{};
  std::span<const CodeNumber<PublishDoneCode>> publish_done{};
  std::span<const CodeNumber<StreamResetCode>> reset{};

  template <class Code>
  [[nodiscard]] constexpr std::span<const CodeNumber<Code>> of() const noexcept {
    if constexpr (std::same_as<Code, RequestErrorCode>) {
      return request;
    } else if constexpr (std::same_as<Code, PublishDoneCode>) {
      return publish_done;
    } else {
      return reset;
    }
  }
};

template <class Code>
constexpr std::uint64_t number_of(const CodeNumbers& numbers, Code code) noexcept {
  for (const auto& each : numbers.of<Code>()) {
    if (each.code == code) return each.number;
  }
  return static_cast<std::uint64_t>(code);
}

/// A number that is another code's own, and none in the draft, is an unknown code: INTERNAL_ERROR (draft-18 section
/// 14).
template <class Code>
constexpr Code code_of(const CodeNumbers& numbers, std::uint64_t number) noexcept {
  for (const auto& each : numbers.of<Code>()) {
    // A code that the draft has not is written as INTERNAL_ERROR, and never read.
    if (each.number == number && each.number != static_cast<std::uint64_t>(Code::kInternalError)) return each.code;
  }
  for (const auto& each : numbers.of<Code>()) {
    if (static_cast<std::uint64_t>(each.code) == number) return Code::kInternalError;
  }
  return static_cast<Code>(number);
}

}  // namespace msquic_py::moqt::wire

#pragma once

#include <cstdint>

#include "moqt/wire/message_type.h"

namespace msquic_py::moqt::wire::draft15 {

enum class ParameterForm : std::uint8_t { kNumber, kBytes, kLocation, kFilter, kToken };

/// What draft-15 says about a parameter it defines.
struct ParameterRule {
  std::uint64_t type;
  ParameterForm form;
  std::uint64_t minimum;  ///< of a number
  std::uint64_t maximum;
  const char* out_of_range;  ///< violation text for a number outside
  std::uint64_t messages;    ///< a bit per MessageType

  [[nodiscard]] bool repeatable() const noexcept { return form == ParameterForm::kToken; }
};

/// The rule for that parameter in that message. Null when the parameter is unknown or, which means the same to a
/// receiver, not defined for the message: it is to be ignored, whatever its value [d15 §9.2.1].
const ParameterRule* find_parameter_rule(MessageType message, std::uint64_t type) noexcept;

}  // namespace msquic_py::moqt::wire::draft15

#pragma once

// How the outcomes of the C++ codec become the exceptions of moqt.exceptions.

#include <cstdint>
#include <utility>

#include "base/decoded.h"
#include "moqt/model/draft.h"
#include "moqt/wire/encode_error.h"

namespace msquic_py::python {

[[noreturn]] void raise_need_more_data(const char* what);
[[noreturn]] void raise_violation(const base::Violation& violation);
/// `problem` says what is wrong with the value and what would be right.
[[noreturn]] void raise_encode_error(const char* field, const char* problem);
/// With the name of the codec's error as its code.
[[noreturn]] void raise_encode_error(const char* field, const char* problem, moqt::wire::EncodeError error);
/// With the Python name of the field that the error is about, as far as the error tells.
[[noreturn]] void raise_encode_error(moqt::wire::EncodeError error);
/// NOT_IN_DRAFT.
[[noreturn]] void raise_not_in_draft(const char* field, moqt::Draft draft);
[[noreturn]] void raise_malformed_extension(const char* header, const char* problem);
[[noreturn]] void raise_out_of_range(const char* field, std::uint64_t largest);

/// The decoded value, or the exception for its absence; `what` names what was being decoded.
template <class T>
T value_or_raise(base::Decoded<T>&& decoded, const char* what) {
  if (decoded.needs_more()) raise_need_more_data(what);
  if (decoded.violated()) raise_violation(decoded.violation());
  return std::move(decoded).value();
}

}  // namespace msquic_py::python

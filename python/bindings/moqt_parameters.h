#pragma once

// The parameters of a message are a Python list of Parameter, so that every operation of a list is there; the typed
// properties read and write that list by way of the model's own getters and setters.

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/parameter_list.h"
#include "moqt/wire/message_type.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// A parameter as it is on the wire of draft-15, which is also how it looks in Python: the value of an even type is the
/// bytes of its variable-length integer, without a length in either case.
struct RawParameter {
  std::uint64_t type = 0;
  base::ByteVector value;
  /// What draft-15 has no bytes for: a structure of a later draft. The value is then empty.
  std::optional<moqt::ParameterValue> content{};
  /// Whether it is a property of the track, which drafts from 16 on keep apart; nothing: as draft-15 has it in that
  /// message. Two parameters are equal all the same.
  std::optional<bool> of_track{};

  bool operator==(const RawParameter& other) const {
    return type == other.type && value == other.value && content == other.content;
  }
};

/// Those of a message of that draft.
nb::list to_python(const moqt::ParameterList& parameters, moqt::Draft draft = moqt::Draft::k15);
/// Appends the items to `result`: as numbers and bytes where they are for draft-15, and in the structures that a later
/// draft writes. Raises TypeError for an item that is not a Parameter, EncodeError for an even type whose value is not
/// a variable-length integer.
void read_parameters(const nb::list& parameters, moqt::Draft draft, moqt::wire::MessageType message,
                     moqt::ParameterList& result);
/// Appends the items of that type to `result`, understood as a receiver of `message` does. Also raises
/// ProtocolViolation for a value that such a receiver refuses.
void understand_parameters(const nb::list& parameters, std::uint64_t type, moqt::wire::MessageType message,
                           moqt::ParameterList& result);

/// The items of `source`, any iterable of Parameter (None: empty), as a new list.
nb::list parameter_list(nb::handle source);
/// The first parameter with that type, or None.
nb::object get_parameter(const nb::list& parameters, std::uint64_t type);
/// Puts `replacement` in the place of the first parameter with its type, appends it when there is none.
void set_parameter(nb::list& parameters, const RawParameter& replacement);
/// Removes every parameter with that type.
void remove_parameter(nb::list& parameters, std::uint64_t type);
/// `value` is an int for an even type, str or bytes-like for either, or a structure that parameters of that type have
/// in some draft; raises TypeError otherwise.
RawParameter make_parameter(std::uint64_t type, nb::handle value);

}  // namespace msquic_py::python

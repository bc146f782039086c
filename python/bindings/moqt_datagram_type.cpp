#include <string>

#include "moqt/wire/type_bits.h"
#include "moqt_stream_types.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using DatagramBits = moqt::wire::DatagramTypeBits;

constexpr bool has(DatagramType type, std::uint64_t bit) noexcept {
  return (static_cast<std::uint64_t>(type) & bit) != 0;
}

/// The name says the bits: NO_OBJECT_ID_EXTENSIONS_PRIORITY_PAYLOAD is 0x05.
std::string name_of(DatagramType type) {
  std::string text = has(type, DatagramBits::kObjectIdAbsent) ? "NO_OBJECT_ID" : "OBJECT_ID";
  if (has(type, DatagramBits::kExtensions)) text += "_EXTENSIONS";
  text += has(type, DatagramBits::kPriorityAbsent) ? "_NO_PRIORITY" : "_PRIORITY";
  text += has(type, DatagramBits::kStatus) ? "_STATUS" : "_PAYLOAD";
  if (has(type, DatagramBits::kEndOfGroup)) text += "_END_OF_GROUP";
  return text;
}

}  // namespace

void bind_datagram_type(nb::module_& m) {
  nb::enum_<DatagramType> types(
      m, "DatagramType", nb::is_arithmetic(),
      "The 24 types of OBJECT_DATAGRAM (section 10.3.1, table 5), named by what their bits say.\n\n"
      "0x2C and 0x2D are read as having no Object ID, and never sent: the table contradicts itself.");
  constexpr std::uint64_t kPayloadBits = DatagramBits::kExtensions | DatagramBits::kEndOfGroup |
                                         DatagramBits::kObjectIdAbsent | DatagramBits::kPriorityAbsent;
  for (std::uint64_t number = 0; number <= (DatagramBits::kStatus | kPayloadBits); ++number) {
    const auto type = static_cast<DatagramType>(number);
    if ((number & ~(kPayloadBits | DatagramBits::kStatus)) != 0) continue;
    if (has(type, DatagramBits::kStatus) && has(type, DatagramBits::kEndOfGroup)) continue;
    types.value(name_of(type).c_str(), type);
  }
  types
      .def(
          "has_object_id", [](DatagramType type) { return !has(type, DatagramBits::kObjectIdAbsent); },
          "Whether there is an Object ID field; otherwise it is 0.")
      .def(
          "has_extensions", [](DatagramType type) { return has(type, DatagramBits::kExtensions); },
          "Whether there is an extension block, which must not be empty.")
      .def(
          "has_priority", [](DatagramType type) { return !has(type, DatagramBits::kPriorityAbsent); },
          "Whether there is a Publisher Priority field.")
      .def(
          "has_status", [](DatagramType type) { return has(type, DatagramBits::kStatus); },
          "Whether there is an Object Status in place of a payload.")
      .def(
          "is_end_of_group", [](DatagramType type) { return has(type, DatagramBits::kEndOfGroup); },
          "Whether this is the last object of its group.");
}

}  // namespace msquic_py::python

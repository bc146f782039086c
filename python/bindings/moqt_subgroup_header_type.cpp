#include <string>

#include "moqt/wire/type_bits.h"
#include "moqt_stream_types.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using SubgroupBits = moqt::wire::SubgroupTypeBits;

constexpr std::uint64_t number(SubgroupHeaderType type) noexcept { return static_cast<std::uint64_t>(type); }

/// "zero", "first_object", "present", or null for the combination that is no type.
constexpr const char* id_mode(std::uint64_t type) noexcept {
  switch (type & SubgroupBits::kIdModeMask) {
    case 0: return "zero";
    case SubgroupBits::kIdModeFirstObject: return "first_object";
    case SubgroupBits::kIdModeExplicit: return "present";
    default: return nullptr;
  }
}

/// The name says the bits: SUBGROUP_ID_PRESENT_EXT_END_NO_PRIORITY is 0x3D.
std::string name_of(std::uint64_t type) {
  std::string text = "SUBGROUP_ID_";
  for (const char* c = id_mode(type); *c != 0; ++c) text += static_cast<char>(*c == '_' ? *c : *c - 'a' + 'A');
  text += (type & SubgroupBits::kExtensions) != 0 ? "_EXT" : "_NO_EXT";
  if ((type & SubgroupBits::kEndOfGroup) != 0) text += "_END";
  return text += (type & SubgroupBits::kPriorityAbsent) != 0 ? "_NO_PRIORITY" : "_PRIORITY";
}

}  // namespace

void bind_subgroup_header_type(nb::module_& m) {
  nb::enum_<SubgroupHeaderType> types(
      m, "SubgroupHeaderType", nb::is_arithmetic(),
      "The 24 stream types of SUBGROUP_HEADER (section 10.4.2, table 6), named by what\n"
      "their bits say.");
  constexpr std::uint64_t kAll = SubgroupBits::kSubgroup | SubgroupBits::kPriorityAbsent | SubgroupBits::kEndOfGroup |
                                 SubgroupBits::kIdModeMask | SubgroupBits::kExtensions;
  for (std::uint64_t type = SubgroupBits::kSubgroup; type <= kAll; ++type) {
    if ((type & SubgroupBits::kSubgroup) == 0 || id_mode(type) == nullptr) continue;
    types.value(name_of(type).c_str(), static_cast<SubgroupHeaderType>(type));
  }
  types
      .def(
          "subgroup_id_mode", [](SubgroupHeaderType type) { return id_mode(number(type)); },
          nb::sig("def subgroup_id_mode(self) -> typing.Literal['zero', 'first_object', 'present']"),
          "Where the Subgroup ID comes from: it is 0, it is the Object ID of the first object, it is in the header.")
      .def(
          "has_subgroup_id",
          [](SubgroupHeaderType type) {
            return (number(type) & SubgroupBits::kIdModeMask) == SubgroupBits::kIdModeExplicit;
          },
          "Whether the header has a Subgroup ID field.")
      .def(
          "has_extensions", [](SubgroupHeaderType type) { return (number(type) & SubgroupBits::kExtensions) != 0; },
          "Whether every object of the stream has an extension block, which may be empty.")
      .def(
          "has_priority", [](SubgroupHeaderType type) { return (number(type) & SubgroupBits::kPriorityAbsent) == 0; },
          "Whether the header has a Publisher Priority field.")
      .def(
          "contains_end_of_group",
          [](SubgroupHeaderType type) { return (number(type) & SubgroupBits::kEndOfGroup) != 0; },
          "Whether the last object before the FIN is the last of its group.")
      .def(
          "is_end_of_group", [](SubgroupHeaderType type) { return (number(type) & SubgroupBits::kEndOfGroup) != 0; },
          "The same as contains_end_of_group().");
}

}  // namespace msquic_py::python

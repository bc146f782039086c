#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "moqt/model/subscription_filter.h"
#include "moqt/wire/violations.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

using moqt::FilterType;
using moqt::Location;
using moqt::SubscriptionFilter;

namespace {

bool has_start(FilterType type) noexcept {
  return type == FilterType::kAbsoluteStart || type == FilterType::kAbsoluteRange ||
         type == FilterType::kAbsoluteLocations;
}
/// Whether drafts up to 19 have a number for it.
bool is_old(FilterType type) noexcept { return static_cast<std::uint64_t>(type) <= 4; }

std::uint64_t needed(std::optional<IntegerArgument> value, const char* field) {
  if (!value) raise_encode_error(field, "is needed for this filter_type (section 5.1.2)");
  return value->checked(field);
}

SubscriptionFilter from_numbers(FilterType type, std::optional<IntegerArgument> start_group,
                                std::optional<IntegerArgument> start_object, std::optional<IntegerArgument> end_group,
                                std::optional<IntegerArgument> end_object) {
  SubscriptionFilter filter{type, {}, 0};
  if (has_start(type)) filter.start = {needed(start_group, "start_group"), needed(start_object, "start_object")};
  if (type == FilterType::kAbsoluteRange) filter.end_group = needed(end_group, "end_group");
  if (end_object && end_object->checked("end_object") != 0)
    raise_encode_error("end_object", "must be None or 0: a range ends with the whole end_group (section 5.1.2)");
  return filter;
}

nb::bytes encode_filter(const SubscriptionFilter& self) {
  if (!is_old(self.type))
    raise_encode_error("filter_type", "has no form in draft-15", moqt::wire::EncodeError::kNotInDraft);
  if (!self.valid()) raise_encode_error("end_group", "lies before the start (section 5.1.2)");
  base::ByteVector bytes;
  base::ByteWriter writer(bytes);
  writer.write_varint(static_cast<std::uint64_t>(self.type));
  if (has_start(self.type)) {
    writer.write_varint(self.start.group);
    writer.write_varint(self.start.object);
  }
  if (self.type == FilterType::kAbsoluteRange) writer.write_varint(self.end_group);
  return to_python(bytes);
}

nb::tuple decode_filter(const BufferArgument& data, std::size_t offset) {
  base::ByteReader reader(from_offset(data, offset));
  const auto next = [&reader] {
    const auto number = reader.read_varint();
    if (!number) raise_need_more_data("Subscription Filter");
    return *number;
  };
  const std::uint64_t type = next();
  if (type < 1 || type > 4) raise_violation(moqt::wire::protocol_violation("unknown Filter Type (section 5.1.2)"));
  SubscriptionFilter filter{static_cast<FilterType>(type), {}, 0};
  if (has_start(filter.type)) {
    filter.start.group = next();
    filter.start.object = next();
  }
  if (filter.type == FilterType::kAbsoluteRange) filter.end_group = next();
  return nb::make_tuple(filter, reader.position());
}

std::optional<std::uint64_t> start_number(const SubscriptionFilter& self, std::uint64_t Location::*number) {
  return has_start(self.type) ? std::optional(self.start.*number) : std::nullopt;
}

}  // namespace

void bind_subscription_filter(nb::module_& m) {
  nb::class_<SubscriptionFilter> cls(
      m, "SubscriptionFilter",
      "Which objects of a subscription are wanted (section 5.1.2). Immutable.\n\n"
      "`start` counts for the two absolute types, `end_group` (the whole group\n"
      "included) for ABSOLUTE_RANGE. A filter chooses among live objects: it does not\n"
      "replay past ones, for which FETCH is there.\n\n"
      "The second form of the constructor takes the numbers of the start one by one; an\n"
      "absolute type needs them. `end_object` may say 0, the whole group, and no more.");
  cls.def(
         "__init__",
         [](SubscriptionFilter* self, FilterType type, Location start, IntegerArgument end_group,
            IntegerArgument last_object, IntegerArgument groups_back) {
           new (self) SubscriptionFilter{type, start, end_group.checked("end_group"),
                                         last_object.checked("last_object"), groups_back.checked("groups_back")};
         },
         nb::arg("type") = FilterType::kLargestObject, nb::arg("start") = Location{}, nb::arg("end_group") = 0,
         nb::arg("last_object") = 0, nb::arg("groups_back") = 0)
      .def(
          "__init__",
          [](SubscriptionFilter* self, FilterType filter_type, std::optional<IntegerArgument> start_group,
             std::optional<IntegerArgument> start_object, std::optional<IntegerArgument> end_group,
             std::optional<IntegerArgument> end_object) {
            new (self) SubscriptionFilter(from_numbers(filter_type, start_group, start_object, end_group, end_object));
          },
          nb::arg("filter_type"), nb::arg("start_group").none() = nb::none(),
          nb::arg("start_object").none() = nb::none(), nb::arg("end_group").none() = nb::none(),
          nb::arg("end_object").none() = nb::none())
      .def_static("next_group_start", &SubscriptionFilter::next_group_start,
                  "From the first object of the next group on.")
      .def_static("largest_object", &SubscriptionFilter::largest_object, "From the object after the largest one on.")
      .def_static(
          "absolute_start", [](Location start) { return SubscriptionFilter::absolute_start(start); }, nb::arg("start"),
          "From `start` on.")
      .def_static(
          "absolute_range",
          [](Location start, IntegerArgument end_group) {
            return SubscriptionFilter::absolute_range(start, end_group.checked("end_group"));
          },
          nb::arg("start"), nb::arg("end_group"), "From `start` to the end of group `end_group`.")
      .def_static("unfiltered", &SubscriptionFilter::unfiltered, "No filter: takes one away. From draft 20 on.")
      .def_static(
          "relative_group",
          [](IntegerArgument groups_back) {
            return SubscriptionFilter::relative_group(groups_back.checked("groups_back"));
          },
          nb::arg("groups_back"),
          "From the beginning of a group before the next one on; 1 is the group of the largest object. From draft 20 "
          "on.")
      .def_static(
          "absolute_locations",
          [](Location start, Location last) { return SubscriptionFilter::absolute_locations(start, last); },
          nb::arg("start"), nb::arg("last"), "From `start` to `last`, which is included. From draft 20 on.")
      .def_ro("last_object", &SubscriptionFilter::end_object,
              "The last object wanted of `end_group`; 0 unless the type is ABSOLUTE_LOCATIONS.")
      .def_ro("groups_back", &SubscriptionFilter::groups_back, "0 unless the type is RELATIVE_GROUP.")
      .def_ro("type", &SubscriptionFilter::type)
      .def_ro("filter_type", &SubscriptionFilter::type, "The same as type.")
      .def_ro("start", &SubscriptionFilter::start, "The first location wanted; (0, 0) unless the type is absolute.")
      .def_ro("end_group", &SubscriptionFilter::end_group,
              "The last group wanted; 0 unless the type is ABSOLUTE_RANGE.")
      .def_prop_ro(
          "start_group", [](const SubscriptionFilter& self) { return start_number(self, &Location::group); },
          "Group ID of the start; None unless the type is absolute.")
      .def_prop_ro(
          "start_object", [](const SubscriptionFilter& self) { return start_number(self, &Location::object); },
          "Object ID of the start; None unless the type is absolute.")
      .def("encode", &encode_filter,
           "The value of the parameter SUBSCRIPTION_FILTER (sections 5.1.2, 9.2.1.7). Raises EncodeError for a range\n"
           "that ends before it starts.")
      .def_static("decode", &decode_filter, nb::arg("data"), nb::arg("offset") = 0,
                  nb::sig("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> "
                          "tuple[SubscriptionFilter, int]"),
                  "The filter at `offset` and the number of bytes that it occupies.\n\n"
                  "Raises NeedMoreData, and ProtocolViolation for an unknown type.")
      .def("resolve_start", &SubscriptionFilter::resolve_start, nb::arg("largest").none(),
           "The first location wanted when `largest` is the largest one known (None: no object yet).")
      .def("__repr__", [](nb::handle self) {
        const auto& value = nb::cast<const SubscriptionFilter&>(self);
        if (is_old(value.type)) {
          return representation(self, {{"type", nb::cast(value.type)},
                                       {"start", nb::cast(value.start)},
                                       {"end_group", nb::cast(value.end_group)}});
        }
        return representation(self, {{"type", nb::cast(value.type)},
                                     {"start", nb::cast(value.start)},
                                     {"end_group", nb::cast(value.end_group)},
                                     {"last_object", nb::cast(value.end_object)},
                                     {"groups_back", nb::cast(value.groups_back)}});
      });
  bind_value_semantics<SubscriptionFilter>(cls, [](const SubscriptionFilter& value) {
    return nb::make_tuple(value.type, value.start, value.end_group, value.end_object, value.groups_back);
  });
}

}  // namespace msquic_py::python

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "moqt/model/subscription_filter.h"
#include "moqt_arguments.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

using moqt::FilterType;
using moqt::Location;
using moqt::SubscriptionFilter;

void bind_subscription_filter(nb::module_& m) {
  nb::class_<SubscriptionFilter> cls(m, "SubscriptionFilter",
                                     "Which objects of a subscription are wanted (section 5.1.2). Immutable.\n\n"
                                     "`start` counts for the two absolute types, `end_group` (the whole group\n"
                                     "included) for ABSOLUTE_RANGE. A filter chooses among live objects: it does not\n"
                                     "replay past ones, for which FETCH is there.");
  cls.def(
         "__init__",
         [](SubscriptionFilter* self, FilterType type, Location start, IntegerArgument end_group) {
           new (self) SubscriptionFilter{type, start, end_group.checked("end_group")};
         },
         nb::arg("type") = FilterType::kLargestObject, nb::arg("start") = Location{}, nb::arg("end_group") = 0)
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
      .def_ro("type", &SubscriptionFilter::type)
      .def_ro("start", &SubscriptionFilter::start, "The first location wanted; (0, 0) unless the type is absolute.")
      .def_ro("end_group", &SubscriptionFilter::end_group,
              "The last group wanted; 0 unless the type is ABSOLUTE_RANGE.")
      .def("resolve_start", &SubscriptionFilter::resolve_start, nb::arg("largest").none(),
           "The first location wanted when `largest` is the largest one known (None: no object yet).")
      .def("__repr__", [](nb::handle self) {
        const auto& value = nb::cast<const SubscriptionFilter&>(self);
        return representation(self, {{"type", nb::cast(value.type)},
                                     {"start", nb::cast(value.start)},
                                     {"end_group", nb::cast(value.end_group)}});
      });
  bind_value_semantics<SubscriptionFilter>(
      cls, [](const SubscriptionFilter& value) { return nb::make_tuple(value.type, value.start, value.end_group); });
}

}  // namespace msquic_py::python

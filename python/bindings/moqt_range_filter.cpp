#include <nanobind/stl/optional.h>

#include <utility>

#include "moqt/model/range_filter.h"
#include "moqt_arguments.h"
#include "moqt_errors.h"
#include "moqt_topics.h"
#include "moqt_value.h"

namespace msquic_py::python {

void bind_range_filter(nb::module_& m) {
  using moqt::RangeFilter;
  nb::class_<RangeFilter> cls(
      m, "RangeFilter",
      "The value of a Range Filter parameter of drafts from 20 on (draft-22 section 3.3.2). Immutable.\n\n"
      "`ranges` are pairs of the first and the last value that pass, ascending; a last one of None is none. All "
      "filters\n"
      "of one `set_id`, 0 to 255, are to be passed, and one set is enough. `property_type` counts for\n"
      "OBJECT_PROPERTY_FILTER and TRACK_PROPERTY_FILTER. `removed`, in an update alone, takes the filter away.");
  cls.def(
         "__init__",
         [](RangeFilter* self, nb::handle ranges, IntegerArgument set_id, IntegerArgument property_type, bool removed,
            bool valid) {
           RangeFilter filter{static_cast<std::uint8_t>(set_id.checked("set_id", 255)),
                              property_type.checked("property_type"),
                              {},
                              removed,
                              valid};
           for (nb::handle pair : ranges) {
             if (nb::len(pair) != 2) throw nb::type_error("ranges must be pairs of the first and the last value");
             const nb::object first = nb::borrow(pair)[0], last = nb::borrow(pair)[1];
             filter.ranges.push_back(
                 {integer_argument(first, "ranges").checked("ranges"), optional_number(last, "ranges")});
           }
           new (self) RangeFilter(std::move(filter));
         },
         nb::arg("ranges") = nb::make_tuple(), nb::arg("set_id") = 0, nb::arg("property_type") = 0,
         nb::arg("removed") = false, nb::arg("valid") = true,
         nb::sig("def __init__(self, ranges: collections.abc.Iterable[tuple[int, int | None]] = (), set_id: int = 0, "
                 "property_type: int = 0, removed: bool = False, valid: bool = True) -> None"))
      .def_prop_ro(
          "ranges",
          [](const RangeFilter& self) {
            nb::list ranges;
            for (const RangeFilter::Range& each : self.ranges) ranges.append(nb::make_tuple(each.start, each.end));
            return nb::tuple(ranges);
          },
          nb::sig("def ranges(self) -> tuple[tuple[int, int | None], ...]"))
      .def_ro("set_id", &RangeFilter::set_id)
      .def_ro("property_type", &RangeFilter::property_type)
      .def_ro("removed", &RangeFilter::removed)
      .def_ro("valid", &RangeFilter::valid, "False for one that a peer wrote with a number above 2**64 - 1.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"ranges", self.attr("ranges")},
                                     {"set_id", self.attr("set_id")},
                                     {"property_type", self.attr("property_type")},
                                     {"removed", self.attr("removed")}});
      });
  bind_value_semantics<RangeFilter>(cls, [](const RangeFilter& self) {
    nb::list ranges;
    for (const RangeFilter::Range& each : self.ranges) ranges.append(nb::make_tuple(each.start, each.end));
    return nb::make_tuple(nb::tuple(ranges), self.set_id, self.property_type, self.removed, self.valid);
  });
}

}  // namespace msquic_py::python

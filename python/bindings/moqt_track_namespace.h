#pragma once

#include <nanobind/nanobind.h>

#include "moqt/model/track_namespace.h"

namespace msquic_py::python {

/// A TrackNamespace, or a sequence of str and bytes that makes one.
struct NamespaceArgument {
  nanobind::object source;
  /// Raises TypeError for anything else, a lone str included, which is a sequence only by accident.
  [[nodiscard]] moqt::TrackNamespace value(const char* field) const;
};

}  // namespace msquic_py::python

namespace nanobind::detail {

template <>
struct type_caster<msquic_py::python::NamespaceArgument> {
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    value.source = borrow(source);
    return true;
  }
  NB_TYPE_CASTER(msquic_py::python::NamespaceArgument,
                 const_name("TrackNamespace | collections.abc.Sequence[str | bytes]"))
};

}  // namespace nanobind::detail

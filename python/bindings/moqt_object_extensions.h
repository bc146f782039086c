#pragma once

#include <nanobind/nanobind.h>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt_arguments.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// The extension headers of an object: the raw block, without its length, that has passed the codec's check. Kept as
/// it came, so that what is not understood is passed on byte for byte [d15 §10.2.1.2].
struct ObjectExtensions {
  nb::bytes raw = nb::bytes("", 0);

  [[nodiscard]] base::Bytes bytes() const noexcept { return bytes_of(raw); }
};

/// From None, ObjectExtensions, a mapping from types to values, or pairs of them. Raises EncodeError or TypeError.
ObjectExtensions make_extensions(nb::handle source);
/// From a block that the codec has checked.
inline ObjectExtensions checked_extensions(base::Bytes raw) {
  return raw.empty() ? ObjectExtensions{} : ObjectExtensions{to_python(raw)};
}

/// The same from a block of that draft, which ObjectExtensions have in the form of draft-15. Raises EncodeError for a
/// number that draft-15 cannot write.
ObjectExtensions checked_extensions(moqt::Draft draft, base::Bytes raw);
/// The block as that draft writes it.
base::ByteVector extension_block(moqt::Draft draft, const ObjectExtensions& extensions);

inline constexpr const char* kExtensionsSource =
    "ObjectExtensions | collections.abc.Mapping[int, int | bytes] | "
    "collections.abc.Iterable[tuple[int, int | bytes]] | None";

}  // namespace msquic_py::python

#pragma once

#include "base/bytes.h"
#include "moqt/model/group_order.h"
#include "unit/vectors/random_values.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {

/// Bytes, and what was meant by them, in the form of the vectors.
struct Written {
  base::ByteVector bytes;
  Json says;
};

/// A stream of a subgroup, with up to four objects.
Written random_subgroup(RandomValues& values);
/// A stream of a FETCH, with up to five objects.
Written random_fetch(RandomValues& values, moqt::GroupOrder order);
Written random_datagram(RandomValues& values);

}  // namespace msquic_py::tests

#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "moqt/model/draft.h"
#include "moqt/model/location.h"

namespace msquic_py::moqt::objects {

/// What the extensions of an object say of others (section 11): so many before it do not exist.
struct ObjectGaps {
  std::uint64_t groups = 0;
  std::uint64_t objects = 0;
};

/// `raw` is a block that has been checked; one that breaks the rules says nothing.
ObjectGaps gaps_before(Draft draft, base::Bytes raw, Location location);

}  // namespace msquic_py::moqt::objects

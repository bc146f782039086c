#pragma once

#include "moqt/model/draft.h"

namespace msquic_py::fuzz {

/// The draft whose codec this program tries.
inline constexpr moqt::Draft kDraft{MSQUIC_PY_FUZZ_DRAFT};

}  // namespace msquic_py::fuzz

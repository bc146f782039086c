#pragma once

#include "moqt/wire/fetch.h"

namespace msquic_py::moqt::wire {

/// Turns the LOCATION_FILTER of a FETCH, where drafts from 20 on say what is to be fetched (draft-22 section 9.20.9),
/// into its range.
void take_range_from_filter(Fetch& fetch);
/// The same FETCH with its range in a LOCATION_FILTER.
Fetch with_range_in_filter(const Fetch& fetch);

}  // namespace msquic_py::moqt::wire

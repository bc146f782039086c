#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "moqt/model/message_parameters.h"
#include "moqt/pubsub/track_options.h"

namespace msquic_py::python {

namespace nb = nanobind;

/// What publishers and subscribers say of a track, as the Python package hands it over: dicts whose keys it has
/// checked. All raise EncodeError for a number that is out of range.
moqt::pubsub::TrackOptions track_options(const nb::dict& options);
/// Of SUBSCRIBE and PUBLISH_OK.
moqt::MessageParameters subscription_parameters(const nb::dict& options);
/// Of SUBSCRIBE_UPDATE but for NEW_GROUP_REQUEST: what is None is left out.
moqt::MessageParameters update_parameters(const nb::dict& options);
/// Of FETCH.
moqt::MessageParameters fetch_parameters(const nb::dict& options);

/// Items of AuthorizationToken, a list of which is under "tokens" in each of the three.
std::vector<moqt::AuthorizationToken> tokens_of(nb::handle tokens);
void add_tokens(moqt::MessageParameters& parameters, nb::handle tokens);

}  // namespace msquic_py::python

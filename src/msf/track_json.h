#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "msf/track.h"

namespace msquic_py::msf {

using Json = nlohmann::ordered_json;

/// A number as JSON shows it best: whole ones without a fraction.
Json number_to_json(double number);
/// The finite number in `value`, or an error that names `where`.
base::Result<double, std::string> number_from_json(const Json& value, const std::string& where);

Json track_to_json(const Track& track);
/// Reads types alone; which fields go together is checked elsewhere. `where` names the track in errors.
base::Result<Track, std::string> track_from_json(const Json& json, const std::string& where);

/// Adds fields kept as JSON text; a field that is there already stays.
void append_other(const OtherFields& other, Json& json);

}  // namespace msquic_py::msf

#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/shared_bytes.h"
#include "moqt/wire/object_stream.h"
#include "moqt/wire/stream_header_decoder.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {

/// What came out of a data stream.
struct StreamReading {
  Json header;                   ///< null until the header was complete
  Json objects = Json::array();  ///< the complete ones
  std::optional<base::Violation> violation;
  /// What the decoder says when the stream ends here with FIN; nothing: that is all right.
  std::optional<base::Violation> at_fin;
};

/// Reads a stream as the session does: header decoder, then the decoder for its objects, from chunks of
/// `chunk_size` bytes (0: all in one).
StreamReading read_in_chunks(moqt::Draft draft, base::Bytes stream, std::size_t chunk_size,
                             moqt::GroupOrder order = moqt::GroupOrder::kAscending);

/// Reads a stream with the functions for whole headers and objects, as far as it is complete.
StreamReading read_whole_subgroup(moqt::Draft draft, base::Bytes stream);
StreamReading read_whole_fetch(moqt::Draft draft, base::Bytes stream,
                               moqt::GroupOrder order = moqt::GroupOrder::kAscending);

/// "header" and "objects" of a vector in the same form, of the objects only the first `count`.
Json normalized_header(const Json& vector);
Json normalized_objects(const Json& vector, std::size_t count);

}  // namespace msquic_py::tests

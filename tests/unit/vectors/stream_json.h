#pragma once

#include "moqt/model/object_status.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/stream_header_decoder.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {

// Headers, objects and datagrams in the form of the vectors, with every text as hex.

Json header_json(const moqt::wire::SubgroupHeader& header);
Json header_json(const moqt::wire::FetchHeader& header);
Json header_json(const moqt::wire::ControlStreamHeader& header);
Json header_json(const moqt::wire::PaddingStreamHeader& header);

/// An object of a subgroup. Those of a FETCH have more fields.
Json object_json(moqt::Draft draft, std::uint64_t object_id, moqt::ObjectStatus status, base::Bytes extensions,
                 base::Bytes payload);

Json datagram_json(moqt::Draft draft, const moqt::wire::ObjectDatagram& datagram);

}  // namespace msquic_py::tests

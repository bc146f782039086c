#pragma once

#include <cstdint>
#include <optional>

#include "moqt/wire/codec.h"

namespace msquic_py::moqt::wire::draft15 {

// Draft-15 has several encodings of one object, of which codec.h takes the shortest. These write the one that the
// caller chooses, for programs that decide about every byte themselves.

/// encode_object_datagram_header() with this type, which must be object_datagram_type() or that with an Object ID field
/// of 0 [d15 §10.3.1].
EncodeResult encode_object_datagram_as(const ObjectDatagram& datagram, std::uint64_t type, base::ByteVector& out);

/// Why `flags` do not say this object; null when they do. Without `prior`, what they take from the object before is
/// not checked [d15 §10.4.4].
const char* contradiction(std::uint8_t flags, const FetchObjectFields& fields,
                          const std::optional<FetchPriorObject>& prior) noexcept;
/// encode_fetch_object_header() with these Serialization Flags, which contradiction() has nothing against.
EncodeResult encode_fetch_object_as(const FetchObjectFields& fields, std::uint8_t flags, base::ByteVector& out);

}  // namespace msquic_py::moqt::wire::draft15

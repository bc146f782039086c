#include "moqt/wire/draft15/chosen_form.h"
#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft15/varint_cursor.h"
#include "moqt/wire/type_bits.h"
#include "moqt/wire/violations.h"

namespace msquic_py::moqt::wire::draft15 {
namespace {

using DatagramBits = DatagramTypeBits;

bool is_datagram_type(std::uint64_t type) noexcept {
  constexpr std::uint64_t kBesideStatus =
      DatagramBits::kExtensions | DatagramBits::kObjectIdAbsent | DatagramBits::kPriorityAbsent;
  return type <= 0x0F || (type & ~kBesideStatus) == DatagramBits::kStatus;
}

constexpr base::Violation kTooShort = protocol_violation("datagram ends inside a field (section 10.3.1)");

/// Reads the extension block and steps over it.
std::optional<base::Violation> read_extensions(VarintCursor& in, const base::SharedBytes& bytes,
                                               base::SharedBytes& extensions) {
  std::uint64_t size = 0;
  if (!in.read(size)) return kTooShort;
  // [d15 §10.3.1-1]
  if (size == 0)
    return protocol_violation("datagram type announces extension headers, but their length is 0 (section 10.3.1)");
  if (size > in.remaining()) return kTooShort;
  extensions = bytes.slice(in.position(), static_cast<std::size_t>(size));
  in.skip(size);
  return check_extensions(extensions);
}

std::optional<base::Violation> read_status(VarintCursor& in, ObjectDatagram& datagram) {
  std::uint64_t number = 0;
  if (!in.read(number)) return kTooShort;
  datagram.status = object_status_from(number);
  if (!datagram.status) return protocol_violation("unknown Object Status (section 10.2.1.1)");  // [d15 §10.2.1.1-3]
  if (*datagram.status != ObjectStatus::kNormal && !datagram.extensions.empty()) {              // [d15 §10.2.1.2-1]
    return protocol_violation("extension headers on an object whose status is not Normal (section 10.2.1.2)");
  }
  // [d15 §10.2.1.1-4]
  if (in.remaining() > 0) return protocol_violation("bytes behind the Object Status of a datagram (section 10.3.1)");
  return std::nullopt;
}

}  // namespace

base::Decoded<ObjectDatagram> decode_object_datagram(const base::SharedBytes& bytes) {
  VarintCursor in(bytes.view());
  std::uint64_t type = 0;
  if (!in.read(type)) return kTooShort;
  if (!is_datagram_type(type)) return protocol_violation("unknown datagram type (section 10)");  // [d15 §10-1]
  ObjectDatagram datagram;
  datagram.end_of_group = (type & DatagramBits::kEndOfGroup) != 0;
  if (!in.read(datagram.track_alias) || !in.read(datagram.location.group)) return kTooShort;
  if ((type & DatagramBits::kObjectIdAbsent) == 0 && !in.read(datagram.location.object)) return kTooShort;
  if ((type & DatagramBits::kPriorityAbsent) == 0) {
    std::uint8_t priority = 0;
    if (!in.read_byte(priority)) return kTooShort;
    datagram.publisher_priority = priority;
  }
  if ((type & DatagramBits::kExtensions) != 0) {
    if (const auto malformed = read_extensions(in, bytes, datagram.extensions)) return *malformed;
  }
  if ((type & DatagramBits::kStatus) != 0) {
    if (const auto malformed = read_status(in, datagram)) return *malformed;
  } else {
    datagram.payload = bytes.from(in.position());
  }
  return datagram;
}

EncodeResult encode_object_datagram_header(const ObjectDatagram& datagram, base::ByteVector& out) {
  return encode_object_datagram_as(datagram, object_datagram_type(datagram), out);
}

EncodeResult encode_object_datagram_as(const ObjectDatagram& datagram, std::uint64_t type, base::ByteVector& out) {
  if (datagram.track_alias > base::kVarintMax || datagram.location.group > base::kVarintMax ||
      datagram.location.object > base::kVarintMax) {
    return base::Failure{EncodeError::kNumberTooLarge};
  }
  if (datagram.status) {
    if (datagram.end_of_group) return base::Failure{EncodeError::kDatagramFlags};
    if (!datagram.payload.empty()) return base::Failure{EncodeError::kStatusWithPayload};
    if (*datagram.status != ObjectStatus::kNormal && !datagram.extensions.empty()) {
      return base::Failure{EncodeError::kStatusWithExtensions};
    }
  }
  if (check_extensions(datagram.extensions)) return base::Failure{EncodeError::kExtensionsMalformed};

  HeaderScratch scratch;
  scratch.put(type);
  scratch.put(datagram.track_alias);
  scratch.put(datagram.location.group);
  if ((type & DatagramBits::kObjectIdAbsent) == 0) scratch.put(datagram.location.object);
  if (datagram.publisher_priority) scratch.put_byte(*datagram.publisher_priority);
  if (!datagram.extensions.empty()) {
    scratch.put(datagram.extensions.size());
    scratch.flush(out);
    out.insert(out.end(), datagram.extensions.view().begin(), datagram.extensions.view().end());
  }
  if (datagram.status) scratch.put(static_cast<std::uint64_t>(*datagram.status));
  scratch.flush(out);
  return {};
}

}  // namespace msquic_py::moqt::wire::draft15

#pragma once

#include "moqt/wire/data/object_tail.h"
#include "moqt/wire/type_bits.h"

namespace msquic_py::moqt::wire {

constexpr bool is_datagram_type(std::uint64_t type) noexcept {
  using Bits = DatagramTypeBits;
  constexpr std::uint64_t kBesideStatus = Bits::kExtensions | Bits::kObjectIdAbsent | Bits::kPriorityAbsent;
  return type <= 0x0F || (type & ~kBesideStatus) == Bits::kStatus;
}

/// OBJECT_DATAGRAM [d15 §10.3.1]: the same in all drafts, but for their integers and statuses.
template <class Traits>
class DatagramReader {
 public:
  using Bits = DatagramTypeBits;
  using Sections = typename Traits::Sections;

  explicit DatagramReader(const base::SharedBytes& bytes) noexcept : bytes_(bytes), in_(bytes.view()) {}

  base::Decoded<ObjectDatagram> read() {
    std::uint64_t type = 0;
    if (!in_.read(type)) return kTooShort;
    if (!is_datagram_type(type)) return kViolates<"unknown datagram type", Sections::kDataStreams>;  // [d15 §10-1]
    ObjectDatagram datagram;
    datagram.end_of_group = (type & Bits::kEndOfGroup) != 0;
    if (!in_.read(datagram.track_alias) || !in_.read(datagram.location.group)) return kTooShort;
    if ((type & Bits::kObjectIdAbsent) == 0 && !in_.read(datagram.location.object)) return kTooShort;
    if ((type & Bits::kPriorityAbsent) == 0) {
      std::uint8_t priority = 0;
      if (!in_.read_byte(priority)) return kTooShort;
      datagram.publisher_priority = priority;
    }
    if ((type & Bits::kExtensions) != 0) {
      if (const auto malformed = read_extensions(datagram.extensions)) return *malformed;
    }
    if ((type & Bits::kStatus) != 0) {
      if (const auto malformed = read_status(datagram)) return *malformed;
    } else {
      datagram.payload = bytes_.from(in_.position());
    }
    return datagram;
  }

 private:
  static constexpr base::Violation kTooShort = kViolates<"datagram ends inside a field", Sections::kDatagram>;

  /// Reads the extension block and steps over it.
  std::optional<base::Violation> read_extensions(base::SharedBytes& extensions) {
    std::uint64_t size = 0;
    if (!in_.read(size)) return kTooShort;
    // [d15 §10.3.1-1]
    if (size == 0) {
      return kViolates<"datagram type announces extension headers, but their length is 0", Sections::kDatagram>;
    }
    if (size > in_.remaining()) return kTooShort;
    extensions = bytes_.slice(in_.position(), static_cast<std::size_t>(size));
    in_.skip(size);
    return check_extensions<Traits>(extensions);
  }

  std::optional<base::Violation> read_status(ObjectDatagram& datagram) {
    std::uint64_t number = 0;
    if (!in_.read(number)) return kTooShort;
    datagram.status = status_from<Traits>(number);
    // [d15 §10.2.1.1-3]
    if (!datagram.status) return kViolates<"unknown Object Status", Sections::kObjectStatus>;
    if (*datagram.status != ObjectStatus::kNormal && !datagram.extensions.empty()) {  // [d15 §10.2.1.2-1]
      return kViolates<"extension headers on an object whose status is not Normal", Sections::kObjectProperties>;
    }
    // [d15 §10.2.1.1-4]
    if (in_.remaining() > 0) return kViolates<"bytes behind the Object Status of a datagram", Sections::kDatagram>;
    return std::nullopt;
  }

  const base::SharedBytes& bytes_;
  IntegerCursor<typename Traits::Integers> in_;
};

template <class Traits>
base::Decoded<ObjectDatagram> decode_object_datagram(const base::SharedBytes& bytes) {
  return DatagramReader<Traits>(bytes).read();
}

template <class Traits>
EncodeResult encode_object_datagram_as(const ObjectDatagram& datagram, std::uint64_t type, base::ByteVector& out) {
  using Bits = DatagramTypeBits;
  using Integers = typename Traits::Integers;
  if (!all_fit<Integers>(datagram.track_alias, datagram.location.group, datagram.location.object)) {
    return base::Failure{EncodeError::kNumberTooLarge};
  }
  if (datagram.status) {
    if (datagram.end_of_group) return base::Failure{EncodeError::kDatagramFlags};
    if (!datagram.payload.empty()) return base::Failure{EncodeError::kStatusWithPayload};
    if (*datagram.status != ObjectStatus::kNormal && !datagram.extensions.empty()) {
      return base::Failure{EncodeError::kStatusWithExtensions};
    }
    if (!status_from<Traits>(static_cast<std::uint64_t>(*datagram.status))) {
      return base::Failure{EncodeError::kNotInDraft};
    }
  }
  if (check_extensions<Traits>(datagram.extensions)) return base::Failure{EncodeError::kExtensionsMalformed};

  HeaderScratch<Integers> scratch;
  scratch.put(type);
  scratch.put(datagram.track_alias);
  scratch.put(datagram.location.group);
  if ((type & Bits::kObjectIdAbsent) == 0) scratch.put(datagram.location.object);
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

template <class Traits>
EncodeResult encode_object_datagram_header(const ObjectDatagram& datagram, base::ByteVector& out) {
  return encode_object_datagram_as<Traits>(datagram, object_datagram_type(datagram), out);
}

template <class Traits>
bool is_padding_datagram(base::Bytes bytes) noexcept {
  if constexpr (!Traits::kPadding) return false;
  IntegerCursor<typename Traits::Integers> in(bytes);
  std::uint64_t type = 0;
  return in.read(type) && type == kPaddingDatagramType;
}

}  // namespace msquic_py::moqt::wire

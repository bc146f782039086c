#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "moqt/wire/object_stream.h"
#include "require.h"

namespace msquic_py::fuzz {

/// What a stream meant, whatever its chunks were. Payload counts byte for byte, complete or not.
struct StreamOutcome {
  std::vector<base::ByteVector> headers;
  std::vector<base::ByteVector> payloads;
  std::vector<std::uint64_t> numbers;
  std::optional<std::uint64_t> violation;
  bool ended_in_object = false;
  bool operator==(const StreamOutcome&) const = default;
};

inline base::ByteVector copy(base::Bytes bytes) { return {bytes.begin(), bytes.end()}; }

inline void note(StreamOutcome& outcome, const moqt::wire::ObjectStart& start) {
  REQUIRE(start.extensions_offset + start.extensions_size <= start.header.size());
  REQUIRE(start.delta_size <= start.header.size());
  outcome.headers.push_back(copy(start.header));
  outcome.payloads.emplace_back();
  outcome.numbers.insert(outcome.numbers.end(), {start.object_id, start.payload_length,
                                                 static_cast<std::uint64_t>(start.status), start.extensions_size});
}
inline void note(StreamOutcome& outcome, const moqt::wire::FetchObjectStart& start) {
  note(outcome, start.object);
  outcome.numbers.insert(outcome.numbers.end(),
                         {start.group_id, start.subgroup_id, start.publisher_priority, start.flags});
}
inline void note(StreamOutcome& outcome, const moqt::wire::FetchRangeEnd& range) {
  outcome.numbers.insert(outcome.numbers.end(),
                         {range.end.group, range.end.object, static_cast<std::uint64_t>(range.gap)});
}
inline void note(StreamOutcome& outcome, const moqt::wire::ObjectPayload& payload) {
  REQUIRE(!payload.bytes.empty() && !outcome.payloads.empty());
  auto& all = outcome.payloads.back();
  all.insert(all.end(), payload.bytes.view().begin(), payload.bytes.view().end());
}

/// Feeds `bytes` cut into chunks whose sizes `cut` gives, and drains the decoder after each.
template <class Decoder, class Cut>
StreamOutcome read_stream(Decoder decoder, base::Bytes bytes, Cut cut) {
  StreamOutcome outcome;
  while (!bytes.empty()) {
    const std::size_t size = std::clamp<std::size_t>(cut(), 1, bytes.size());
    decoder.feed(base::SharedBytes::copy_of(bytes.first(size)));
    bytes = bytes.subspan(size);
    for (;;) {
      auto event = decoder.next();
      if (event.needs_more()) break;
      if (event.violated()) {
        outcome.violation = event.violation().code;
        return outcome;
      }
      std::visit([&outcome](const auto& e) { note(outcome, e); }, event.value());
    }
  }
  outcome.ended_in_object = decoder.finish().has_value();
  return outcome;
}

/// The whole at once, byte by byte, and in cuts that the input itself chooses must mean the same.
template <class Decoder>
StreamOutcome require_same_in_any_chunks(const Decoder& decoder, base::Bytes bytes) {
  const StreamOutcome whole = read_stream(decoder, bytes, [&] { return bytes.size(); });
  REQUIRE(read_stream(decoder, bytes, [] { return std::size_t{1}; }) == whole);
  std::size_t at = 0;
  REQUIRE(read_stream(decoder, bytes, [&] { return std::size_t{bytes[at++ % bytes.size()]} % 96; }) == whole);
  return whole;
}

}  // namespace msquic_py::fuzz

#pragma once

#include <cstdint>

#include "moqt/model/range_filter.h"
#include "moqt/wire/control/payload_reader.h"
#include "moqt/wire/control/payload_writer.h"

namespace msquic_py::moqt::wire {

/// Range Filters (draft-22 section 8.6): a length, the set, for properties their type, and ranges of which each number
/// counts from the one before.
template <class Traits>
struct RangeFilters {
  using Reader = PayloadReader<Traits>;
  using Writer = PayloadWriter<Traits>;

  static RangeFilter read(Reader& outer, bool of_property) {
    RangeFilter filter;
    const base::Bytes bytes = outer.bytes(outer.integer());
    if (outer.failed()) return filter;
    filter.removed = bytes.empty();
    if (filter.removed) return filter;
    Reader in(bytes);
    filter.set_id = in.byte();
    if (of_property) filter.property_type = in.integer();
    std::uint64_t before = 0;
    while (in.remaining() > 0 && filter.valid) {
      RangeFilter::Range range;
      filter.valid = next(in, before, range.start);
      if (filter.valid && in.remaining() > 0) filter.valid = next(in, before, range.end.emplace());
      if (filter.valid) filter.ranges.push_back(range);
    }
    if (filter.valid && in.finish()) outer.fail(*in.violation());
    return filter;
  }

  /// What is behind the length.
  static void write(Writer& out, const RangeFilter& filter, bool of_property) {
    if (filter.removed) return;
    if (!filter.valid) return out.fail(EncodeError::kParameterOutOfRange);
    out.byte(filter.set_id);
    if (of_property) out.integer(filter.property_type);
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < filter.ranges.size(); ++i) {
      const auto& [start, end] = filter.ranges[i];
      const bool last = i + 1 == filter.ranges.size();
      if (start < before || (end ? *end < start : !last)) return out.fail(EncodeError::kParameterOutOfRange);
      out.integer(start - before);
      if (end) out.integer(*end - start);
      before = end.value_or(start);
    }
  }

 private:
  /// The number that lies `delta` behind the one before; false when there is none.
  static bool next(Reader& in, std::uint64_t& before, std::uint64_t& value) {
    const std::uint64_t delta = in.integer();
    if (delta > Traits::Integers::kLargest - before) return false;
    value = before += delta;
    return true;
  }
};

}  // namespace msquic_py::moqt::wire

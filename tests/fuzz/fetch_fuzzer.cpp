// Any bytes as the objects of a fetch stream, behind its header.

#include "draft.h"
#include "moqt/wire/fetch_stream.h"
#include "stream_outcome.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Bytes rest(data, size);
  // The first byte of all gives the group order, on which nothing depends in drafts up to 16.
  const auto order = size > 0 && (data[0] & 0x80) != 0 ? moqt::GroupOrder::kDescending : moqt::GroupOrder::kAscending;
  if (const auto header = decode_fetch_header(fuzz::kDraft, rest)) rest = rest.subspan(header->size);
  if (rest.empty()) return 0;
  fuzz::require_same_in_any_chunks(FetchStreamDecoder(fuzz::kDraft, order), rest);

  std::optional<FetchPriorObject> prior;
  while (!rest.empty()) {
    const auto decoded = decode_fetch_object(fuzz::kDraft, rest, prior, order);
    if (!decoded) break;
    base::ByteVector out;
    const auto encoded = decoded->gap ? encode_fetch_range_end(fuzz::kDraft, {decoded->object.location, *decoded->gap},
                                                               prior, out, order)
                                      : encode_fetch_object(fuzz::kDraft, decoded->object, prior, out, order);
    if (encoded) {
      const auto again = decode_fetch_object(fuzz::kDraft, out, prior, order);
      REQUIRE(again.ok() && again->size == out.size() && again->object == decoded->object);
      REQUIRE(again->gap == decoded->gap && again->prior == decoded->prior);
    } else {
      // Objects out of order decode, because that ends the track and not the session; they are not ours to send.
      REQUIRE(encoded.error() == EncodeError::kObjectIdNotIncreasing);
    }
    prior = decoded->prior;
    rest = rest.subspan(decoded->size);
  }
  return 0;
}

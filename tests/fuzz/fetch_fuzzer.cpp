// Any bytes as the objects of a fetch stream, behind its header.

#include "moqt/wire/fetch_stream.h"
#include "stream_outcome.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;
using moqt::Draft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Bytes rest(data, size);
  if (const auto header = decode_fetch_header(Draft::k15, rest)) rest = rest.subspan(header->size);
  if (rest.empty()) return 0;
  fuzz::require_same_in_any_chunks(FetchStreamDecoder(Draft::k15, moqt::GroupOrder::kAscending), rest);

  std::optional<FetchPriorObject> prior;
  while (!rest.empty()) {
    const auto decoded = decode_fetch_object(Draft::k15, rest, prior);
    if (!decoded) break;
    base::ByteVector out;
    const auto encoded = encode_fetch_object(Draft::k15, decoded->object, prior, out);
    if (encoded) {
      const auto again = decode_fetch_object(Draft::k15, out, prior);
      REQUIRE(again.ok() && again->size == out.size() && again->object == decoded->object);
    } else {
      // Objects out of order decode, because that ends the track and not the session; they are not ours to send.
      REQUIRE(encoded.error() == EncodeError::kObjectIdNotIncreasing);
    }
    prior = decoded->object.prior();
    rest = rest.subspan(decoded->size);
  }
  return 0;
}

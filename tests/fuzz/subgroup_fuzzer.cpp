// Any bytes as a unidirectional stream that opens with SUBGROUP_HEADER.

#include "draft.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/stream_header_decoder.h"
#include "moqt/wire/subgroup.h"
#include "stream_outcome.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;

namespace {

void check_objects(base::Bytes rest, bool has_extensions) {
  std::optional<std::uint64_t> previous;
  while (!rest.empty()) {
    const auto decoded = decode_subgroup_object(fuzz::kDraft, rest, has_extensions, previous);
    if (!decoded) return;
    base::ByteVector out;
    REQUIRE(encode_subgroup_object(fuzz::kDraft, decoded->object, has_extensions, previous, out).ok());
    const auto again = decode_subgroup_object(fuzz::kDraft, out, has_extensions, previous);
    REQUIRE(again.ok() && again->size == out.size() && again->object == decoded->object);
    (void)inspect_extensions(fuzz::kDraft, decoded->object.extensions, {1, decoded->object.object_id});
    previous = decoded->object.object_id;
    rest = rest.subspan(decoded->size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::Bytes bytes(data, size);
  const auto decoded = decode_subgroup_header(fuzz::kDraft, bytes);
  if (!decoded) return 0;
  base::ByteVector out;
  REQUIRE(encode_subgroup_header(fuzz::kDraft, decoded->header, out).ok());
  const auto again = decode_subgroup_header(fuzz::kDraft, out);
  REQUIRE(again.ok() && again->header == decoded->header);

  const base::Bytes objects = bytes.subspan(decoded->size);
  if (objects.empty()) return 0;
  fuzz::require_same_in_any_chunks(SubgroupStreamDecoder(fuzz::kDraft, decoded->header.has_extensions), objects);
  check_objects(objects, decoded->header.has_extensions);
  return 0;
}

// Any bytes as a datagram; its extension headers as LOC, too.

#include "draft.h"
#include "loc/header_extensions.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"
#include "require.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;

namespace {

void check_extensions_of(const ObjectDatagram& datagram) {
  const auto pairs = decode_extensions(fuzz::kDraft, datagram.extensions);
  REQUIRE(pairs.ok());
  base::ByteVector out;
  REQUIRE(encode_extensions(fuzz::kDraft, *pairs, out).ok());
  const auto again = decode_extensions(fuzz::kDraft, out);
  REQUIRE(again.ok() && again->size() == pairs->size());
  REQUIRE(fuzz::kDraft != moqt::Draft::k15 || *again == *pairs);  // later drafts have them in ascending order
  (void)inspect_extensions(fuzz::kDraft, datagram.extensions, datagram.location);

  const auto loc = loc::parse_extensions(*pairs);
  if (!loc) return;
  moqt::KeyValuePairs built;
  if (const auto appended = loc::append_extensions(*loc, loc::Version::k04, built); !appended) {
    using enum loc::LocError;  // of numbers that drafts up to 16 cannot write
    REQUIRE(appended.error() == kCaptureTimestampTooLarge || appended.error() == kMediaTime ||
            appended.error() == kPresentationStartTooLarge);
    return;
  }
  const auto parsed = loc::parse_extensions(built);
  REQUIRE(parsed.ok() && *parsed == *loc);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = decode_object_datagram(fuzz::kDraft, base::SharedBytes::copy_of({data, size}));
  REQUIRE(!decoded.needs_more());
  if (!decoded) return 0;
  base::ByteVector out;
  REQUIRE(encode_object_datagram(fuzz::kDraft, *decoded, out).ok());
  const auto again = decode_object_datagram(fuzz::kDraft, base::SharedBytes::copy_of(out));
  REQUIRE(again.ok() && *again == *decoded);
  check_extensions_of(*decoded);
  return 0;
}

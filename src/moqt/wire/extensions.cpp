#include "moqt/wire/extensions.h"

#include "moqt/wire/codec.h"

namespace msquic_py::moqt::wire {

base::Decoded<KeyValuePairs> decode_extensions(Draft draft, base::Bytes raw) {
  return codec_for(draft).decode_extensions(raw);
}

EncodeResult encode_extensions(Draft draft, const KeyValuePairs& extensions, base::ByteVector& out) {
  return codec_for(draft).encode_extensions(extensions, out);
}

std::optional<base::Violation> check_extensions(Draft draft, base::Bytes raw) noexcept {
  return codec_for(draft).check_extensions(raw);
}

std::optional<std::uint64_t> find_number(Draft draft, base::Bytes raw, std::uint64_t type) noexcept {
  return codec_for(draft).find_number(raw, type);
}

base::Result<KnownExtensions, MalformedTrack> inspect_extensions(Draft draft, base::Bytes raw, Location location) {
  return codec_for(draft).inspect_extensions(raw, location);
}

}  // namespace msquic_py::moqt::wire

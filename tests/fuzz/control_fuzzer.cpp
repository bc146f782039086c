// Any bytes as a control stream: what decodes must encode and decode to the same; less of it must not violate.

#include <cstddef>
#include <cstdint>

#include "moqt/wire/control_message.h"
#include "require.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;
using moqt::Draft;

namespace {

/// The one thing that decodes and is not ours to send: a filter range that ends before it starts.
bool has_reversed_filter(const ControlMessage& message) {
  return std::visit(
      [](const auto& m) {
        if constexpr (requires { m.parameters.filter(); }) {
          const auto filter = m.parameters.filter();
          return filter && !filter->valid();
        }
        return false;
      },
      message.body);
}

void check_round_trip(const ControlMessage& message) {
  base::ByteVector out;
  const auto encoded = encode_control_message(Draft::k15, message, out);
  if (!encoded) {
    REQUIRE(encoded.error() == EncodeError::kFilterRangeReversed && has_reversed_filter(message));
    return;
  }
  const auto again = decode_control_message(Draft::k15, out);
  REQUIRE(again.ok());
  REQUIRE(again->size == out.size());
  REQUIRE(again->message == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Bytes rest(data, size);
  while (!rest.empty()) {
    const auto decoded = decode_control_message(Draft::k15, rest);
    if (!decoded) {
      if (decoded.needs_more()) REQUIRE(rest.size() < kMaxControlMessageSize);
      break;
    }
    REQUIRE(decoded->size > 0 && decoded->size <= rest.size());
    REQUIRE(decode_control_message(Draft::k15, rest.first(decoded->size - 1)).needs_more());
    check_round_trip(decoded->message);
    if (const auto* setup = std::get_if<ClientSetup>(&decoded->message.body)) {
      (void)validate_client_setup(*setup, moqt::SessionTransport::kQuic);
    }
    rest = rest.subspan(decoded->size);
  }
  return 0;
}

// Any bytes as a control stream: what decodes must encode and decode to the same; less of it must not violate.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "draft.h"
#include "moqt/wire/codec.h"
#include "require.h"

using namespace msquic_py;
using namespace msquic_py::moqt::wire;

namespace {

/// What decodes and is not ours to send: a filter range that ends before it starts, or above the largest number.
bool has_impossible_filter(const std::vector<moqt::Parameter>& parameters) {
  return std::any_of(parameters.begin(), parameters.end(), [](const moqt::Parameter& parameter) {
    if (const auto* filter = std::get_if<moqt::SubscriptionFilter>(&parameter.value)) return !filter->valid();
    if (const auto* filter = std::get_if<moqt::RangeFilter>(&parameter.value)) return !filter->valid;
    const auto* fill = std::get_if<moqt::FillParameters>(&parameter.value);
    return fill != nullptr && has_impossible_filter(fill->items);
  });
}
bool has_impossible_filter(const ControlMessage& message) {
  return std::visit(
      [](const auto& m) {
        if constexpr (requires { m.parameters.items(); }) return has_impossible_filter(m.parameters.items());
        return false;
      },
      message.body);
}

/// What a message becomes by being sent: from draft 18 on a PUBLISH_OK is a REQUEST_OK.
ControlMessage as_sent(const ControlMessage& message) {
  const auto* ok = std::get_if<PublishOk>(&message.body);
  if (fuzz::kDraft < moqt::Draft::k18 || ok == nullptr) return message;
  return {message.request, RequestOk{ok->parameters}};
}

/// Where types count from the one before, the encoder puts parameters in ascending order.
ControlMessage in_order(ControlMessage message) {
  std::visit(
      [](auto& m) {
        if constexpr (requires { m.parameters.items(); }) {
          auto items = m.parameters.items();
          std::stable_sort(items.begin(), items.end(), [](const auto& left, const auto& right) {
            return std::pair(left.scope == moqt::ParameterScope::kTrack, left.type) <
                   std::pair(right.scope == moqt::ParameterScope::kTrack, right.type);
          });
          m.parameters = {};
          for (moqt::Parameter& item : items) m.parameters.append(std::move(item));
        }
      },
      message.body);
  return message;
}

void check_round_trip(const ControlMessage& message) {
  base::ByteVector out;
  const auto encoded = encode_control_message(fuzz::kDraft, message, out);
  if (!encoded) {
    REQUIRE(has_impossible_filter(message));
    return;
  }
  const auto again = decode_control_message(fuzz::kDraft, out);
  REQUIRE(again.ok());
  REQUIRE(again->size == out.size());
  REQUIRE(in_order(again->message) == in_order(as_sent(message)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Bytes rest(data, size);
  while (!rest.empty()) {
    const auto decoded = decode_control_message(fuzz::kDraft, rest);
    if (!decoded) {
      if (decoded.needs_more()) REQUIRE(rest.size() < kMaxControlMessageSize);
      break;
    }
    REQUIRE(decoded->size > 0 && decoded->size <= rest.size());
    REQUIRE(decode_control_message(fuzz::kDraft, rest.first(decoded->size - 1)).needs_more());
    check_round_trip(decoded->message);
    if (const auto* setup = std::get_if<ClientSetup>(&decoded->message.body)) {
      (void)validate_client_setup(*setup, moqt::SessionTransport::kQuic);
    }
    if (const auto* setup = std::get_if<Setup>(&decoded->message.body)) {
      (void)validate_setup(*setup, moqt::Perspective::kServer, moqt::SessionTransport::kQuic);
    }
    for (const auto type : {MessageType::kPublish, MessageType::kTrackStatus, MessageType::kRequestUpdate}) {
      (void)codec_for(fuzz::kDraft).check_scope(decoded->message.body, type);
    }
    rest = rest.subspan(decoded->size);
  }
  return 0;
}

#pragma once

#include <concepts>
#include <optional>
#include <string>

#include "moqt/wire/code_numbers.h"
#include "moqt/wire/codec.h"
#include "moqt/wire/control/control_fields.h"
#include "moqt/wire/control/fetch_filter.h"

namespace msquic_py::moqt::wire {

/// One overload for every type that a field of a message has.
template <class Traits, class Body>
struct FieldReader {
  using Sections = typename Traits::Sections;

  PayloadReader<Traits>& in;
  const Body& body;

  void read(std::uint64_t& value) const {
    value = in.integer();
    if constexpr (std::same_as<Body, PublishDone>) {
      if (value == Traits::kStreamCountUnknown) value = kStreamCountUnknown;
    }
  }
  void read(std::optional<std::uint64_t>& value) const {  // the Request ID of GOAWAY
    if (in.remaining() > 0) value = in.integer();
  }
  void read(bool& value) const {
    const std::uint8_t flag = in.byte();
    if (flag > 1) in.fail(kViolates<"End Of Track is neither 0 nor 1", Sections::kFetchOk>);
    value = flag == 1;
  }
  template <class Code>
  requires std::same_as<Code, RequestErrorCode> || std::same_as<Code, PublishDoneCode>
  void read(Code& value) const { value = code_of<Code>(Traits::kCodes, in.integer()); }
  void read(NamespaceInterest& value) const {
    const std::uint64_t options = in.integer();
    if (options > 2) in.fail(kViolates<"unknown Subscribe Options", Text("9.25")>);
    value = static_cast<NamespaceInterest>(options);
  }
  void read(RequestReference& value) const { value.id = in.integer(); }
  void read(Location& value) const {
    value = in.location();
    if constexpr (Traits::kFetchRangeInFilter) value = behind<Traits>(value);
  }
  void read(TrackNamespace& value) const { value = in.track_namespace(kFewestFields<Traits, Body>); }
  void read(base::ByteVector& value) const {  // the track name behind a suffix
    const base::Bytes name = in.bytes(in.integer());
    value.assign(name.begin(), name.end());
    if constexpr (requires { body.track_namespace_suffix; }) {
      if (!in.failed() && body.track_namespace_suffix.length() + value.size() > kMaxFullTrackNameLength) {
        in.fail(kViolates<"full track name longer than 4096 bytes", Sections::kTrackNaming>);
      }
    }
  }
  void read(FullTrackName& value) const { value = in.full_track_name(); }
  void read(SetupParameters& value) const {
    const KeyValues<Traits> options(Traits::kOptions, places_of(type_of(Body{})));
    if constexpr (Traits::kSetupByLength) {
      options.read_to_end(in, ParameterScope::kMessage, value);
    } else {
      options.read_counted(in, value);
    }
  }
  void read(MessageParameters& value) const {
    const Places places = places_in<Traits>(type_of(Body{}));
    if constexpr (Traits::kTypedParameters) {
      std::vector<Parameter> items;
      TypedParameters<Traits>(places).read(in, items);
      for (Parameter& item : items) value.append(std::move(item));
    } else {
      KeyValues<Traits>(Traits::kParameters, places, Traits::kRefusesUnknownParameters).read_counted(in, value);
    }
    if constexpr (kEndsWithProperties<Traits, Body>) {
      track_properties<Traits>().read_to_end(in, ParameterScope::kTrack, value);
    }
  }
  void read(std::string& value) const {
    value = std::same_as<Body, Goaway> ? in.new_session_uri() : in.reason_phrase();
  }
  void read(std::optional<Redirect>& value) const {
    if constexpr (std::same_as<Body, RequestError>) {
      if (body.error_code != RequestErrorCode::kRedirect) return;
      value.emplace();
      value->connect_uri = in.new_session_uri();
      value->track = in.full_track_name();
    }
  }
  void read(FetchScope& range) const {
    if constexpr (Traits::kFetchRangeInFilter) {
      range.template emplace<StandaloneFetch>().track = in.full_track_name();
      return;
    }
    const std::uint64_t type = in.integer();
    switch (type) {
      case 0x1: {
        StandaloneFetch& standalone = range.template emplace<StandaloneFetch>();
        standalone.track = in.full_track_name();
        standalone.start = in.location();
        standalone.end = in.location();
        break;
      }
      case 0x2:
      case 0x3: {
        JoiningFetch& joining = range.template emplace<JoiningFetch>();
        joining.relative = type == 0x2;
        joining.joined.id = in.integer();
        joining.joining_start = in.integer();
        break;
      }
      default: in.fail(kViolates<"unknown Fetch Type", Sections::kFetch>);  // [d15 §9.16-1]
    }
  }
};

/// An empty message of that number; nothing for a number that is none in the draft.
template <class Traits, std::size_t Index = 0>
std::optional<MessageBody> empty_body(std::uint64_t number) {
  if constexpr (Index == std::variant_size_v<MessageBody>) {
    return std::nullopt;
  } else {
    constexpr auto kNumber = number_in<std::variant_alternative_t<Index, MessageBody>>(Traits::kDraft);
    if constexpr (kNumber.has_value()) {
      if (number == *kNumber) return MessageBody(std::in_place_index<Index>);
    }
    return empty_body<Traits, Index + 1>(number);
  }
}

template <class Traits>
base::Decoded<DecodedControlMessage> decode_control_message(base::Bytes bytes) {
  IntegerCursor<typename Traits::Integers> cursor(bytes);
  std::uint64_t type = 0;
  if (!cursor.read(type)) return base::NeedMore{};
  auto body = empty_body<Traits>(type);
  // [d15 §9-1]
  if (!body) return kViolates<"unknown control message type", Traits::Sections::kMessages>;
  std::uint8_t high = 0;
  std::uint8_t low = 0;
  if (!cursor.read_byte(high) || !cursor.read_byte(low)) return base::NeedMore{};
  const std::size_t length = static_cast<std::size_t>(high) << 8 | low;
  if (cursor.remaining() < length) return base::NeedMore{};

  PayloadReader<Traits> in(cursor.rest().first(length));
  DecodedControlMessage decoded{{{}, std::move(*body)}, cursor.position() + length};
  std::visit(
      [&]<class Body>(Body& fields) {
        if constexpr (number_in<Body>(Traits::kDraft).has_value()) {
          if constexpr (kRequestId<Body>.contains(Traits::kDraft)) decoded.message.request.id = in.integer();
          const FieldReader<Traits, Body> reader{in, fields};
          for_each_field_of<Traits::kDraft>(fields, [&](const auto&, auto& field) { reader.read(field); });
          if constexpr (Traits::kFetchRangeInFilter && std::same_as<Body, Fetch>) take_range_from_filter(fields);
        }
      },
      decoded.message.body);
  if (const auto violation = in.finish()) return *violation;
  return decoded;
}

}  // namespace msquic_py::moqt::wire

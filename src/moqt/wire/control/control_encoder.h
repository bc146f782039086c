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
struct FieldWriter {
  PayloadWriter<Traits>& out;
  const Body& body;

  void write(const std::uint64_t& value) const {
    if constexpr (std::same_as<Body, PublishDone>) {
      return out.integer(value == kStreamCountUnknown ? Traits::kStreamCountUnknown : value);
    }
    out.integer(value);
  }
  void write(const std::optional<std::uint64_t>& value) const {
    if (value) out.integer(*value);
  }
  void write(const bool& value) const { out.byte(value ? 1 : 0); }
  template <class Code>
  requires std::same_as<Code, RequestErrorCode> || std::same_as<Code, PublishDoneCode>
  void write(const Code& value) const { out.integer(number_of(Traits::kCodes, value)); }
  void write(const NamespaceInterest& value) const { out.integer(static_cast<std::uint64_t>(value)); }
  void write(const RequestReference& value) const { out.integer(value.id); }
  void write(const Location& value) const {
    out.location(Traits::kFetchRangeInFilter ? last_of<Traits>(value) : value);
  }
  void write(const TrackNamespace& value) const { out.track_namespace(value, kFewestFields<Traits, Body>); }
  void write(const base::ByteVector& value) const {
    if constexpr (requires { body.track_namespace_suffix; }) {
      if (body.track_namespace_suffix.length() + value.size() > kMaxFullTrackNameLength) {
        return out.fail(EncodeError::kTrackNameTooLong);
      }
    }
    out.integer(value.size());
    out.bytes(value);
  }
  void write(const FullTrackName& value) const { out.full_track_name(value); }
  void write(const SetupParameters& value) const {
    const KeyValues<Traits> options(Traits::kOptions, places_of(type_of(Body{})));
    if constexpr (Traits::kSetupByLength) {
      options.write_scope(out, value, ParameterScope::kMessage);
    } else {
      options.write_counted(out, value);
    }
  }
  void write(const MessageParameters& value) const {
    if constexpr (!kEndsWithProperties<Traits, Body> && Traits::kTrackProperties) {
      for (const Parameter& parameter : value.items()) {
        if (parameter.scope == ParameterScope::kTrack) return out.fail(EncodeError::kParameterNotDefined);
      }
    }
    const Places places = places_in<Traits>(type_of(Body{}));
    if constexpr (Traits::kTypedParameters) {
      TypedParameters<Traits>(places).write(out, value.items());
    } else {
      KeyValues<Traits>(Traits::kParameters, places, Traits::kRefusesUnknownParameters).write_counted(out, value);
    }
    if constexpr (kEndsWithProperties<Traits, Body>) {
      track_properties<Traits>().write_scope(out, value, ParameterScope::kTrack);
    }
  }
  void write(const std::string& value) const {
    if constexpr (std::same_as<Body, Goaway>) return out.new_session_uri(value);
    out.reason_phrase(value);
  }
  void write(const std::optional<Redirect>& value) const {
    if constexpr (std::same_as<Body, RequestError>) {
      if (value.has_value() != (body.error_code == RequestErrorCode::kRedirect)) {
        return out.fail(EncodeError::kRedirectMismatch);
      }
      if (!value) return;
      out.new_session_uri(value->connect_uri);
      out.full_track_name(value->track);
    }
  }
  void write(const FetchScope& range) const {
    if constexpr (Traits::kFetchRangeInFilter) {
      if (const auto* standalone = std::get_if<StandaloneFetch>(&range)) return out.full_track_name(standalone->track);
      if (const auto* relative = std::get_if<RelativeFetch>(&range)) return out.full_track_name(relative->track);
      return out.fail(EncodeError::kNotInDraft);
    }
    if (const auto* standalone = std::get_if<StandaloneFetch>(&range)) {
      out.integer(static_cast<std::uint64_t>(FetchType::kStandalone));
      out.full_track_name(standalone->track);
      out.location(standalone->start);
      out.location(standalone->end);
    } else if (const auto* joining = std::get_if<JoiningFetch>(&range)) {
      out.integer(
          static_cast<std::uint64_t>(joining->relative ? FetchType::kRelativeJoining : FetchType::kAbsoluteJoining));
      out.integer(joining->joined.id);
      out.integer(joining->joining_start);
    } else {
      out.fail(EncodeError::kNotInDraft);
    }
  }
};

/// The number that the draft writes for a message: drafts from 18 on answer a PUBLISH with REQUEST_OK.
template <class Traits, class Body>
constexpr std::optional<std::uint64_t> written_number() noexcept {
  if (std::same_as<Body, PublishOk> && Traits::kPublishOkIsRequestOk) return number_in<RequestOk>(Traits::kDraft);
  return number_in<Body>(Traits::kDraft);
}

template <class Traits>
EncodeResult encode_control_message(const ControlMessage& message, base::ByteVector& out) {
  constexpr std::size_t kMaxPayload = 65535;
  const std::size_t start = out.size();
  PayloadWriter<Traits> writer(out);
  std::visit(
      [&]<class Body>(const Body& body) {
        constexpr auto kNumber = written_number<Traits, Body>();
        if constexpr (kNumber.has_value()) {
          writer.integer(*kNumber);
          const std::size_t length_at = out.size();
          writer.byte(0);
          writer.byte(0);
          if constexpr (kRequestId<Body>.contains(Traits::kDraft)) writer.integer(message.request.id);
          const auto write_fields = [&](const Body& fields) {
            for_each_field_of<Traits::kDraft>(fields, [&](const auto&, const auto& field) {
              FieldWriter<Traits, Body>{writer, fields}.write(field);
            });
          };
          if constexpr (Traits::kFetchRangeInFilter && std::same_as<Body, Fetch>) {
            write_fields(with_range_in_filter(body));
          } else {
            write_fields(body);
          }
          const std::size_t length = out.size() - length_at - 2;
          if (length > kMaxPayload) writer.fail(EncodeError::kPayloadTooLong);
          out[length_at] = static_cast<std::uint8_t>(length >> 8);
          out[length_at + 1] = static_cast<std::uint8_t>(length);
        } else {
          writer.fail(EncodeError::kNotInDraft);
        }
      },
      message.body);
  if (writer.failed()) {
    out.resize(start);
    return base::Failure{writer.error()};
  }
  return {};
}

}  // namespace msquic_py::moqt::wire

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "moqt/model/draft.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::wire {

/// A field of a message: the member that holds it, its name in test vectors and in Python, and the drafts that have it.
/// A full track name and the range of a FETCH are several fields to both, whose names follow from the type.
template <auto Member>
struct Field {
  const char* name = "";
  DraftRange drafts{};
};

/// What a message is called on the wire.
struct MessageNumber {
  std::uint64_t number = 0;
  DraftRange drafts{};
};

inline constexpr DraftRange kNoDraft{Draft::k22, Draft::k15};

/// The numbers of each message, one for every draft that has it.
template <class Body>
inline constexpr std::array kNumbers = Body::no_list_of_its_numbers;  // each message has its own, below
/// The drafts that write the Request ID of the request that a message is about in front of its fields. Not for messages
/// about the session, nor where draft-15 names a namespace instead (sections 9.21, 9.22); from draft 17 on only for the
/// message that makes a request.
template <class Body>
inline constexpr DraftRange kRequestId = Body::no_drafts_with_a_request_id;
/// The fields of each message, in the order of the wire. Encoding, decoding, the vectors' JSON and Python's properties
/// follow from these lists, so that a message is said once.
template <class Body>
inline constexpr std::tuple<> kFields = Body::no_list_of_its_fields;

template <>
inline constexpr std::array kNumbers<ClientSetup>{MessageNumber{0x20, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<ClientSetup> = kNoDraft;
template <>
inline constexpr std::tuple kFields<ClientSetup>{Field<&ClientSetup::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<ServerSetup>{MessageNumber{0x21, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<ServerSetup> = kNoDraft;
template <>
inline constexpr std::tuple kFields<ServerSetup>{Field<&ServerSetup::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<Setup>{MessageNumber{0x2F00, since(Draft::k18)}};
template <>
inline constexpr DraftRange kRequestId<Setup> = kNoDraft;
template <>
inline constexpr std::tuple kFields<Setup>{Field<&Setup::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<Goaway>{MessageNumber{0x10}};
template <>
inline constexpr DraftRange kRequestId<Goaway> = kNoDraft;
template <>
inline constexpr std::tuple kFields<Goaway>{Field<&Goaway::new_session_uri>{"new_session_uri"},
                                            Field<&Goaway::timeout>{"timeout", since(Draft::k18)},
                                            Field<&Goaway::request_id>{"request_id", {Draft::k18, Draft::k18}}};

template <>
inline constexpr std::array kNumbers<MaxRequestId>{MessageNumber{0x15, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<MaxRequestId> = kNoDraft;
template <>
inline constexpr std::tuple kFields<MaxRequestId>{Field<&MaxRequestId::max_request_id>{"request_id"}};

template <>
inline constexpr std::array kNumbers<RequestsBlocked>{MessageNumber{0x1A, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<RequestsBlocked> = kNoDraft;
template <>
inline constexpr std::tuple kFields<RequestsBlocked>{Field<&RequestsBlocked::maximum_request_id>{"maximum_request_id"}};

template <>
inline constexpr std::array kNumbers<RequestOk>{MessageNumber{0x07}};
template <>
inline constexpr DraftRange kRequestId<RequestOk> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<RequestOk>{Field<&RequestOk::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<RequestError>{MessageNumber{0x05}};
template <>
inline constexpr DraftRange kRequestId<RequestError> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<RequestError>{
    Field<&RequestError::error_code>{"error_code"},
    Field<&RequestError::retry_interval>{"retry_interval", since(Draft::k16)},
    Field<&RequestError::error_reason>{"reason_phrase"}, Field<&RequestError::redirect>{"redirect", since(Draft::k18)}};

template <>
inline constexpr std::array kNumbers<Subscribe>{MessageNumber{0x03}};
template <>
inline constexpr DraftRange kRequestId<Subscribe>{};
template <>
inline constexpr std::tuple kFields<Subscribe>{Field<&Subscribe::track>{}, Field<&Subscribe::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<SubscribeOk>{MessageNumber{0x04}};
template <>
inline constexpr DraftRange kRequestId<SubscribeOk> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<SubscribeOk>{Field<&SubscribeOk::track_alias>{"track_alias"},
                                                 Field<&SubscribeOk::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<RequestUpdate>{MessageNumber{0x02}};
template <>
inline constexpr DraftRange kRequestId<RequestUpdate>{};
template <>
inline constexpr std::tuple kFields<RequestUpdate>{
    Field<&RequestUpdate::existing>{"subscription_request_id", until(Draft::k15)},
    Field<&RequestUpdate::existing>{"existing_request_id", {Draft::k16, Draft::k16}},
    Field<&RequestUpdate::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<PublishStateNotify>{MessageNumber{0x22, since(Draft::k22)}};
template <>
inline constexpr DraftRange kRequestId<PublishStateNotify> = kNoDraft;
template <>
inline constexpr std::tuple kFields<PublishStateNotify>{Field<&PublishStateNotify::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<Unsubscribe>{MessageNumber{0x0A, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<Unsubscribe>{};
template <>
inline constexpr std::tuple kFields<Unsubscribe>{};

template <>
inline constexpr std::array kNumbers<TrackStatus>{MessageNumber{0x0D}};
template <>
inline constexpr DraftRange kRequestId<TrackStatus>{};
template <>
inline constexpr std::tuple kFields<TrackStatus>{Field<&TrackStatus::track>{},
                                                 Field<&TrackStatus::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<Publish>{MessageNumber{0x1D}};
template <>
inline constexpr DraftRange kRequestId<Publish>{};
template <>
inline constexpr std::tuple kFields<Publish>{Field<&Publish::track>{}, Field<&Publish::track_alias>{"track_alias"},
                                             Field<&Publish::parameters>{"parameters"}};

/// Draft-18 lists the number, but says that a PUBLISH is answered by REQUEST_OK (its sections 10 and 10.5): read, and
/// not written.
template <>
inline constexpr std::array kNumbers<PublishOk>{MessageNumber{0x1E, until(Draft::k18)}};
template <>
inline constexpr DraftRange kRequestId<PublishOk> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<PublishOk>{Field<&PublishOk::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<PublishDone>{MessageNumber{0x0B}};
template <>
inline constexpr DraftRange kRequestId<PublishDone> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<PublishDone>{Field<&PublishDone::status_code>{"status_code"},
                                                 Field<&PublishDone::stream_count>{"stream_count"},
                                                 Field<&PublishDone::error_reason>{"reason_phrase"}};

template <>
inline constexpr std::array kNumbers<Fetch>{MessageNumber{0x16}};
template <>
inline constexpr DraftRange kRequestId<Fetch>{};
template <>
inline constexpr std::tuple kFields<Fetch>{Field<&Fetch::range>{}, Field<&Fetch::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<FetchOk>{MessageNumber{0x18}};
template <>
inline constexpr DraftRange kRequestId<FetchOk> = until(Draft::k16);
template <>
inline constexpr std::tuple kFields<FetchOk>{Field<&FetchOk::end_of_track>{"end_of_track"},
                                             Field<&FetchOk::end_location>{"end_location"},
                                             Field<&FetchOk::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<FetchCancel>{MessageNumber{0x17, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<FetchCancel>{};
template <>
inline constexpr std::tuple kFields<FetchCancel>{};

template <>
inline constexpr std::array kNumbers<PublishNamespace>{MessageNumber{0x06}};
template <>
inline constexpr DraftRange kRequestId<PublishNamespace>{};
template <>
inline constexpr std::tuple kFields<PublishNamespace>{Field<&PublishNamespace::track_namespace>{"track_namespace"},
                                                      Field<&PublishNamespace::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<PublishNamespaceDone>{MessageNumber{0x09, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<PublishNamespaceDone> = since(Draft::k16);
template <>
inline constexpr std::tuple kFields<PublishNamespaceDone>{
    Field<&PublishNamespaceDone::track_namespace>{"track_namespace", until(Draft::k15)}};

template <>
inline constexpr std::array kNumbers<PublishNamespaceCancel>{MessageNumber{0x0C, until(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<PublishNamespaceCancel> = since(Draft::k16);
template <>
inline constexpr std::tuple kFields<PublishNamespaceCancel>{
    Field<&PublishNamespaceCancel::track_namespace>{"track_namespace", until(Draft::k15)},
    Field<&PublishNamespaceCancel::error_code>{"error_code"},
    Field<&PublishNamespaceCancel::error_reason>{"reason_phrase"}};

template <>
inline constexpr std::array kNumbers<SubscribeNamespace>{MessageNumber{0x11, until(Draft::k16)},
                                                         MessageNumber{0x50, since(Draft::k18)}};
template <>
inline constexpr DraftRange kRequestId<SubscribeNamespace>{};
template <>
inline constexpr std::tuple kFields<SubscribeNamespace>{
    Field<&SubscribeNamespace::track_namespace_prefix>{"track_namespace_prefix"},
    Field<&SubscribeNamespace::interest>{"subscribe_options", {Draft::k16, Draft::k16}},
    Field<&SubscribeNamespace::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<UnsubscribeNamespace>{MessageNumber{0x14, until(Draft::k15)}};
template <>
inline constexpr DraftRange kRequestId<UnsubscribeNamespace>{};
template <>
inline constexpr std::tuple kFields<UnsubscribeNamespace>{};

template <>
inline constexpr std::array kNumbers<SubscribeTracks>{MessageNumber{0x51, since(Draft::k18)}};
template <>
inline constexpr DraftRange kRequestId<SubscribeTracks>{};
template <>
inline constexpr std::tuple kFields<SubscribeTracks>{
    Field<&SubscribeTracks::track_namespace_prefix>{"track_namespace_prefix"},
    Field<&SubscribeTracks::parameters>{"parameters"}};

template <>
inline constexpr std::array kNumbers<Namespace>{MessageNumber{0x08, since(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<Namespace> = kNoDraft;
template <>
inline constexpr std::tuple kFields<Namespace>{Field<&Namespace::track_namespace_suffix>{"track_namespace_suffix"}};

template <>
inline constexpr std::array kNumbers<NamespaceDone>{MessageNumber{0x0E, since(Draft::k16)}};
template <>
inline constexpr DraftRange kRequestId<NamespaceDone> = kNoDraft;
template <>
inline constexpr std::tuple kFields<NamespaceDone>{
    Field<&NamespaceDone::track_namespace_suffix>{"track_namespace_suffix"}};

template <>
inline constexpr std::array kNumbers<PublishSkipped>{MessageNumber{0x0F, since(Draft::k18)}};
template <>
inline constexpr DraftRange kRequestId<PublishSkipped> = kNoDraft;
template <>
inline constexpr std::tuple kFields<PublishSkipped>{
    Field<&PublishSkipped::track_namespace_suffix>{"track_namespace_suffix"},
    Field<&PublishSkipped::track_name>{"track_name"}};

/// What that message is called on the wire of that draft; nothing when the draft has it not.
template <class Body>
constexpr std::optional<std::uint64_t> number_in(Draft draft) noexcept {
  for (const MessageNumber& each : kNumbers<Body>) {
    if (each.drafts.contains(draft)) return each.number;
  }
  return std::nullopt;
}

/// Calls `visit(field)` for each field of the message that the draft has. Field is a type of its own for each, so that
/// what a draft has not is no code in its codec.
template <Draft kDraft, class Body, class Visit>
constexpr void for_each_member_of(Visit visit) {
  [&]<std::size_t... Indices>(std::index_sequence<Indices...>) {
    [[maybe_unused]] const auto visit_one = [&]<std::size_t Index>(std::integral_constant<std::size_t, Index>) {
      constexpr auto kField = std::get<Index>(kFields<Body>);
      if constexpr (kField.drafts.contains(kDraft)) visit(kField);
    };
    (visit_one(std::integral_constant<std::size_t, Indices>{}), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<std::remove_const_t<decltype(kFields<Body>)>>>{});
}
/// Calls `visit(field, value)` for each of them.
template <Draft kDraft, class Body, class Visit>
constexpr void for_each_field_of(Body& body, Visit visit) {
  for_each_member_of<kDraft, std::remove_const_t<Body>>([&]<auto Member>(const Field<Member>& field) {
    visit(field, body.*Member);
  });
}

/// Calls `visit(name, value)` for each field of the message that the draft has.
template <class Body, class Visit>
constexpr void for_each_field(Draft draft, Body& body, Visit visit) {
  std::apply(
      [&]<auto... Members>(const Field<Members>&... fields) {
        ((fields.drafts.contains(draft) ? visit(fields.name, body.*Members) : void()), ...);
      },
      kFields<std::remove_const_t<Body>>);
}

}  // namespace msquic_py::moqt::wire

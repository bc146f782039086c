#pragma once

#include <tuple>
#include <type_traits>

#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::wire {

/// A field of a message: the member that holds it, and its name in test vectors and in Python. A full track name and
/// the range of a FETCH are several fields to both, whose names follow from the type.
template <auto Member>
struct Field {
  const char* name = "";
};

/// The fields of each message, in the order of the wire. Encoding, decoding, the vectors' JSON and Python's properties
/// follow from these lists, so that a message is said once.
template <class Body>
inline constexpr std::tuple<> kFields = Body::no_list_of_its_fields;  // each message has its own, below

template <>
inline constexpr std::tuple kFields<ClientSetup>{Field<&ClientSetup::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<ServerSetup>{Field<&ServerSetup::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<Goaway>{Field<&Goaway::new_session_uri>{"new_session_uri"}};
template <>
inline constexpr std::tuple kFields<MaxRequestId>{Field<&MaxRequestId::max_request_id>{"request_id"}};
template <>
inline constexpr std::tuple kFields<RequestsBlocked>{Field<&RequestsBlocked::maximum_request_id>{"maximum_request_id"}};
template <>
inline constexpr std::tuple kFields<RequestOk>{Field<&RequestOk::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<RequestError>{Field<&RequestError::error_code>{"error_code"},
                                                  Field<&RequestError::error_reason>{"reason_phrase"}};
template <>
inline constexpr std::tuple kFields<Subscribe>{Field<&Subscribe::track>{}, Field<&Subscribe::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<SubscribeOk>{Field<&SubscribeOk::track_alias>{"track_alias"},
                                                 Field<&SubscribeOk::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<SubscribeUpdate>{Field<&SubscribeUpdate::subscription>{"subscription_request_id"},
                                                     Field<&SubscribeUpdate::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<Unsubscribe>{};
template <>
inline constexpr std::tuple kFields<TrackStatus>{Field<&TrackStatus::track>{},
                                                 Field<&TrackStatus::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<Publish>{Field<&Publish::track>{}, Field<&Publish::track_alias>{"track_alias"},
                                             Field<&Publish::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<PublishOk>{Field<&PublishOk::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<PublishDone>{Field<&PublishDone::status_code>{"status_code"},
                                                 Field<&PublishDone::stream_count>{"stream_count"},
                                                 Field<&PublishDone::error_reason>{"reason_phrase"}};
template <>
inline constexpr std::tuple kFields<Fetch>{Field<&Fetch::range>{}, Field<&Fetch::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<FetchOk>{Field<&FetchOk::end_of_track>{"end_of_track"},
                                             Field<&FetchOk::end_location>{"end_location"},
                                             Field<&FetchOk::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<FetchCancel>{};
template <>
inline constexpr std::tuple kFields<PublishNamespace>{Field<&PublishNamespace::track_namespace>{"track_namespace"},
                                                      Field<&PublishNamespace::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<PublishNamespaceDone>{
    Field<&PublishNamespaceDone::track_namespace>{"track_namespace"}};
template <>
inline constexpr std::tuple kFields<PublishNamespaceCancel>{
    Field<&PublishNamespaceCancel::track_namespace>{"track_namespace"},
    Field<&PublishNamespaceCancel::error_code>{"error_code"},
    Field<&PublishNamespaceCancel::error_reason>{"reason_phrase"}};
template <>
inline constexpr std::tuple kFields<SubscribeNamespace>{
    Field<&SubscribeNamespace::track_namespace_prefix>{"track_namespace_prefix"},
    Field<&SubscribeNamespace::parameters>{"parameters"}};
template <>
inline constexpr std::tuple kFields<UnsubscribeNamespace>{};

/// Calls `visit(name, field)` for each field of the message.
template <class Body, class Visit>
constexpr void for_each_field(Body& body, Visit visit) {
  std::apply(
      [&]<auto... Members>(const Field<Members>&... fields) { (visit(fields.name, body.*Members), ...); },
      kFields<std::remove_const_t<Body>>);
}

}  // namespace msquic_py::moqt::wire

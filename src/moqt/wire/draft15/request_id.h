#pragma once

#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::wire::draft15 {

/// Whether the first field of that message is the Request ID of the request that it is about [d15 §9.1]. Not in what
/// is about the session, nor where draft-15 names a namespace instead (sections 9.21, 9.22).
template <class Body>
inline constexpr bool kHasRequestId = true;
template <>
inline constexpr bool kHasRequestId<ClientSetup> = false;
template <>
inline constexpr bool kHasRequestId<ServerSetup> = false;
template <>
inline constexpr bool kHasRequestId<Goaway> = false;
template <>
inline constexpr bool kHasRequestId<MaxRequestId> = false;
template <>
inline constexpr bool kHasRequestId<RequestsBlocked> = false;
template <>
inline constexpr bool kHasRequestId<PublishNamespaceDone> = false;
template <>
inline constexpr bool kHasRequestId<PublishNamespaceCancel> = false;

}  // namespace msquic_py::moqt::wire::draft15

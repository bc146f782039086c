#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace msquic_py::moqt {

/// A version of draft-ietf-moq-transport. Chosen once per session from the negotiated ALPN, never sniffed.
enum class Draft : std::uint8_t { k15 = 15, k16 = 16, k18 = 18, k22 = 22 };

/// Drafts from `first` to `last`, both included.
struct DraftRange {
  Draft first = Draft::k15;
  Draft last = Draft::k22;
  [[nodiscard]] constexpr bool contains(Draft draft) const noexcept { return first <= draft && draft <= last; }
};
constexpr DraftRange since(Draft first) noexcept { return {first, Draft::k22}; }
constexpr DraftRange until(Draft last) noexcept { return {Draft::k15, last}; }

/// Every draft that a session can be of, in no order of preference: runtime::all_drafts() has one. What is missing of
/// the later ones is in docs/interop.md.
inline constexpr std::array<Draft, 4> kSupportedDrafts{Draft::k15, Draft::k22, Draft::k18, Draft::k16};

/// Whether each endpoint has a control stream of its own, which is unidirectional, and each request a bidirectional
/// stream (from draft 17 on); otherwise the client opens one bidirectional control stream for both endpoints.
bool has_own_control_streams(Draft draft) noexcept;

/// Whether bidirectional streams that are not the control stream carry requests: those about namespaces in draft-16,
/// all of them later.
bool has_request_streams(Draft draft) noexcept;

/// Whether objects that answer a FETCH have a status (up to draft 15); later, what is not there does not exist.
bool has_status_in_fetch(Draft draft) noexcept;

/// Whether each object of a track travels in a way of its own, in a subgroup or as a datagram (from draft 16 on);
/// otherwise all of them travel alike.
bool mixes_forwarding_preferences(Draft draft) noexcept;

/// Whether what a delivery timeout resets a stream for is the end of its subgroup, of which no more is sent on another
/// one, and a subgroup has a timeout of its own, SUBGROUP_DELIVERY_TIMEOUT (from draft 18 on).
bool has_subgroup_timeouts(Draft draft) noexcept;
/// Whether the stream that answers a FETCH can say of a part of the range that nobody knows what is there (from draft
/// 16 on); otherwise the whole FETCH fails with UNKNOWN_STATUS_IN_RANGE.
bool has_fetch_gaps(Draft draft) noexcept;
/// Whether a session may have several subscriptions to one track, to which the publisher may give one Track Alias:
/// then each object comes once for each of them that wants it (from draft 19 on).
bool may_share_aliases(Draft draft) noexcept;
/// The largest integer that its messages can carry: 2^62 - 1, from draft 17 on 2^64 - 1.
std::uint64_t largest_number(Draft draft) noexcept;
/// Whether tracks have properties, of the same numbers as the extensions of objects (from draft 16 on).
bool has_track_properties(Draft draft) noexcept;

/// Whether a field of a namespace may be empty (up to draft 15).
bool has_empty_namespace_fields(Draft draft) noexcept;

/// The ALPN of raw QUIC, also the WebTransport protocol name: "moqt-15" [d15 §3.1].
std::string_view alpn(Draft draft) noexcept;

/// The draft that `alpn` names; nothing when it is not one of kSupportedDrafts.
std::optional<Draft> draft_from_alpn(std::string_view alpn) noexcept;

}  // namespace msquic_py::moqt

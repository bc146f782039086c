#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt::wire {

/// Control messages; the numbers are those of draft-15 ([d15 §9], table 1).
enum class MessageType : std::uint64_t {
  kSubscribeUpdate = 0x02,
  kSubscribe = 0x03,
  kSubscribeOk = 0x04,
  kRequestError = 0x05,
  kPublishNamespace = 0x06,
  kRequestOk = 0x07,
  kPublishNamespaceDone = 0x09,
  kUnsubscribe = 0x0A,
  kPublishDone = 0x0B,
  kPublishNamespaceCancel = 0x0C,
  kTrackStatus = 0x0D,
  kGoaway = 0x10,
  kSubscribeNamespace = 0x11,
  kUnsubscribeNamespace = 0x14,
  kMaxRequestId = 0x15,
  kFetch = 0x16,
  kFetchCancel = 0x17,
  kFetchOk = 0x18,
  kRequestsBlocked = 0x1A,
  kPublish = 0x1D,
  kPublishOk = 0x1E,
  kClientSetup = 0x20,
  kServerSetup = 0x21,
};

/// "SUBSCRIBE_OK"; "UNKNOWN" for a number that is no message.
std::string_view name(MessageType type) noexcept;

}  // namespace msquic_py::moqt::wire

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moqt/model/setup_parameters.h"
#include "moqt/session/authorization/authorization_requested.h"
#include "moqt/session/authorization/verdict.h"

namespace msquic_py::relay {

/// Who asks the relay for something. The views live as long as the call they are given to.
struct Applicant {
  std::uint64_t peer = 0;                        ///< Relay::PeerNumber
  const moqt::SetupParameters* setup = nullptr;  ///< of CLIENT_SETUP: PATH, AUTHORITY, tokens; null for a server
  std::string_view address;                      ///< where it is, when the transport knows
};

/// Who may use the relay, and for what [d15 §8.4] [d15 §8.5]: to connect, to publish a track or a namespace, to
/// subscribe, to fetch. Asked on the relay's thread.
class AdmissionPolicy {
 public:
  virtual ~AdmissionPolicy() = default;
  /// The verdict; nothing when it comes later, by Relay::decide().
  virtual std::optional<moqt::session::Verdict> judge(const Applicant& applicant,
                                                      const moqt::session::AuthorizationRequested& question) = 0;
  /// That question needs no answer any more.
  virtual void withdrawn(std::uint64_t /*peer*/, moqt::session::RequestHandle /*request*/) {}
  /// Nor does any other of that peer.
  virtual void left(std::uint64_t /*peer*/) {}
};

}  // namespace msquic_py::relay

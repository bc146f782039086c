#pragma once

#include <memory>

#include "moqt/model/draft.h"
#include "relay/relay.h"
#include "simulation/session_end.h"
#include "transport/memory/network.h"

namespace msquic_py::hostile {

/// The session of a relay with its upstream, over a network in memory where everything arrives at once.
class Hop {
 public:
  Hop(relay::Relay& lower, relay::Relay& upper) noexcept : lower_(lower), upper_(upper), network_(1) {}
  Hop(const Hop&) = delete;
  Hop& operator=(const Hop&) = delete;
  ~Hop();

  /// A session, if there is none.
  void dial(moqt::Draft draft);
  /// The link is dead. Both relays notice a little later.
  void cut();
  /// The lower relay reads so many bytes more of objects; SessionEnd::kEverything ends that.
  void read(std::uint64_t bytes);
  void close();
  [[nodiscard]] bool open() const noexcept { return near_ != nullptr || far_ != nullptr; }

  /// Everything that is due by now. Whether there was anything.
  bool pump(moqt::session::Time now);
  /// Deadlines of the two sessions.
  void tick(moqt::session::Time now);

 private:
  bool settle(std::shared_ptr<simulation::SessionEnd>& end, relay::Relay& relay, relay::Relay::PeerNumber peer);

  relay::Relay& lower_;
  relay::Relay& upper_;
  transport::memory::Network network_;
  std::shared_ptr<simulation::SessionEnd> near_;  ///< of the lower one
  std::shared_ptr<simulation::SessionEnd> far_;
  relay::Relay::PeerNumber lower_number_ = 0;
  relay::Relay::PeerNumber upper_number_ = 0;
  std::shared_ptr<transport::memory::Link> link_;
};

}  // namespace msquic_py::hostile

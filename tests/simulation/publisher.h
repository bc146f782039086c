#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/shared_bytes.h"
#include "simulation/journal.h"
#include "simulation/script.h"
#include "simulation/session_end.h"

namespace msquic_py::simulation {

/// A client that publishes its tracks as scripted, and notes in the journal what it published.
class Publisher {
 public:
  Publisher(std::size_t number, Journal& journal) : number_(number), journal_(journal) {}

  /// A new session; what was open in the one before is gone. As a server it announces nothing.
  void begin(SessionEnd& end);
  void session_over();
  /// Nothing reaches the relay any more, which may notice that before this end does.
  void link_cut();
  /// Whether there was any event.
  bool on_events();

  /// Sends an object to whoever wants it; only its first `sent` payload bytes.
  void write(const NewObject& object, std::uint64_t sent);
  void finish(std::size_t track, SubgroupName name);
  void reset(std::size_t track, SubgroupName name);
  /// Looks at what its session is about to give to the carrier: nothing that could wait may go before what is more
  /// urgent [d15 §7.2].
  void watch(const ms::SendStream& send);
  /// Withdraws everything that it has announced or offered.
  void withdraw();

 private:
  struct Subgroup {
    std::map<ms::RequestHandle, ms::StreamHandle> streams;
    std::map<ms::RequestHandle, bool> gaps;  ///< an object was left out; the stream must not be finished
  };
  struct Track {
    std::map<SubgroupName, Subgroup> open;
    std::vector<ms::RequestHandle> subscriptions;
  };

  void handle(const ms::Event& event);
  /// The relay knows of the tracks of that request from now on, not from the beginning of the session.
  void on_accepted(ms::RequestHandle request);
  void answer(const ms::FetchReceived& fetch);
  void end_subscription(ms::RequestHandle subscription);
  [[nodiscard]] moqt::MessageParameters parameters(std::size_t track);
  void write_datagram(const NewObject& object);

  std::size_t number_;
  Journal& journal_;
  SessionEnd* end_ = nullptr;
  std::map<std::size_t, Track> tracks_;
  std::map<ms::RequestHandle, moqt::TrackNamespace> announced_;
  std::map<ms::StreamHandle, ms::RequestHandle> owners_;  ///< the subscription of each stream
  base::SlabArena arena_{4096};
};

}  // namespace msquic_py::simulation

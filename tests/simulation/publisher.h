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

  /// A new session; what was open in the one before is gone.
  void begin(SessionEnd& end);
  void session_over();
  /// Whether there was any event.
  bool on_events();

  void next_group(std::size_t track) { ++tracks_[track].group; }
  void object(const Step& step);
  void finish(std::size_t track, std::uint64_t subgroup);
  void reset(std::size_t track, std::uint64_t subgroup);
  void part_and_reset(const Step& step);
  /// Looks at what its session is about to give to the carrier: nothing that could wait may go before what is more
  /// urgent (section 7.2).
  void watch(const ms::SendStream& send);
  /// Ends every subgroup that is open with FIN.
  void finish_all();
  /// Withdraws everything that it has announced or offered.
  void withdraw();

 private:
  struct Subgroup {
    std::map<ms::RequestHandle, ms::StreamHandle> streams;
    std::map<ms::RequestHandle, bool> gaps;  ///< an object was left out; the stream must not be finished
  };
  struct Track {
    std::uint64_t group = 0;
    std::map<std::uint64_t, std::uint64_t> next_object;  ///< by group
    std::map<SubgroupName, Subgroup> open;
    std::vector<ms::RequestHandle> subscriptions;
    std::optional<moqt::Location> largest;
  };

  void handle(const ms::Event& event);
  void end_subscription(ms::RequestHandle subscription);
  [[nodiscard]] moqt::MessageParameters parameters(std::size_t track);
  void write(std::size_t track, SubgroupName name, moqt::Location location, const base::ByteVector& payload,
             std::uint64_t sent);
  void write_datagram(std::size_t track, moqt::Location location, const base::ByteVector& payload);
  void cut(std::size_t track, SubgroupName name);

  std::size_t number_;
  Journal& journal_;
  SessionEnd* end_ = nullptr;
  std::map<std::size_t, Track> tracks_;
  std::vector<ms::RequestHandle> announced_;
  std::map<ms::StreamHandle, ms::RequestHandle> owners_;  ///< the subscription of each stream
  base::SlabArena arena_{4096};
};

}  // namespace msquic_py::simulation

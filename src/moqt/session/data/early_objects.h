#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/data/subgroup_properties.h"
#include "moqt/session/handles.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What comes under the Track Alias of a track while another subscription of this endpoint to it has no answer yet.
/// The publisher may give it the same alias, and its objects may overtake the answer (draft-22 section 3.1.3): the
/// latest are kept, in copies, for whoever gets the alias.
class EarlyObjects {
 public:
  using Piece = std::variant<ObjectReceived, ObjectPayload, SubgroupEnded>;
  struct Stream {
    IncomingStreamId id = 0;
    std::uint64_t alias = 0;
    SubgroupProperties properties;
    std::vector<Piece> pieces{};  ///< of whole objects, but for the last one, which may still be arriving
    std::size_t bytes = 0;
    Time since{};  ///< of the latest piece
  };
  struct Datagram {
    std::uint64_t alias = 0;
    DatagramReceived event;
    Time since{};
  };
  struct Room {
    std::size_t streams = 0;
    std::size_t datagrams = 0;
    std::size_t bytes = 0;
    std::shared_ptr<base::Account> account;  ///< null: nobody counts
  };

  [[nodiscard]] bool empty() const noexcept { return streams_.empty() && datagrams_.empty(); }

  /// Keeps the piece, and lets the oldest streams go for it. The rest of an object whose beginning is not here is not
  /// kept.
  void add(IncomingStreamId id, std::uint64_t alias, const SubgroupProperties& properties, const Piece& piece, Time now,
           const Room& room);
  void add(std::uint64_t alias, const DatagramReceived& event, Time now, const Room& room);

  /// In the order in which the peer opened them.
  [[nodiscard]] std::vector<const Stream*> streams_of(std::uint64_t alias) const;
  [[nodiscard]] std::vector<const Datagram*> datagrams_of(std::uint64_t alias) const;

  void drop(std::uint64_t alias);
  /// Drops what came before `oldest`, of those aliases that nobody `spares`.
  void drop_before(Time oldest, const std::function<bool(std::uint64_t alias)>& spares);
  void clear();

 private:
  void drop_oldest();

  std::vector<Stream> streams_;  ///< as they began to be kept
  std::vector<Datagram> datagrams_;
  std::size_t bytes_ = 0;
};

}  // namespace msquic_py::moqt::session

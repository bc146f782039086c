#pragma once

#include <memory>

#include "base/ledger/account.h"
#include "base/ledger/memory_limits.h"

namespace msquic_py::base {

/// The accounts of one endpoint: everything, and in it what is held for connections, for sessions, for tracks of a
/// relay, and for an application: its readers and its writers. Each connection, session and track gets an account of
/// its own below these.
class Ledger {
 public:
  explicit Ledger(const MemoryLimits& limits = {})
      : limits_(limits),
        process_(std::make_shared<Account>(nullptr, limits.process)),
        connections_(std::make_shared<Account>(process_)),
        sessions_(std::make_shared<Account>(process_)),
        tracks_(std::make_shared<Account>(process_, limits.tracks)),
        readers_(std::make_shared<Account>(process_, limits.readers)),
        writers_(std::make_shared<Account>(process_, limits.writers)) {}

  [[nodiscard]] const MemoryLimits& limits() const noexcept { return limits_; }
  [[nodiscard]] const Account& process() const noexcept { return *process_; }
  [[nodiscard]] const Account& connections() const noexcept { return *connections_; }
  [[nodiscard]] const Account& sessions() const noexcept { return *sessions_; }
  [[nodiscard]] const Account& tracks() const noexcept { return *tracks_; }
  [[nodiscard]] const std::shared_ptr<Account>& readers() const noexcept { return readers_; }
  [[nodiscard]] const std::shared_ptr<Account>& writers() const noexcept { return writers_; }

  [[nodiscard]] std::shared_ptr<Account> open_connection() const { return open(connections_, limits_.connection); }
  [[nodiscard]] std::shared_ptr<Account> open_session() const { return open(sessions_, limits_.session); }
  [[nodiscard]] std::shared_ptr<Account> open_track() const { return open(tracks_, limits_.track); }

 private:
  static std::shared_ptr<Account> open(const std::shared_ptr<Account>& above, std::size_t limit) {
    return std::make_shared<Account>(above, limit);
  }

  const MemoryLimits limits_;
  const std::shared_ptr<Account> process_;
  const std::shared_ptr<Account> connections_;
  const std::shared_ptr<Account> sessions_;
  const std::shared_ptr<Account> tracks_;
  const std::shared_ptr<Account> readers_;
  const std::shared_ptr<Account> writers_;
};

}  // namespace msquic_py::base

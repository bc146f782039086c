#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "moqt/model/full_track_name.h"
#include "moqt_session_channel.h"
#include "moqt_session_writer.h"

namespace msquic_py::python {

class SessionLink;

/// Tracks that several sessions have: all of a server's, or those that a client has one after the other. They live as
/// long as whoever owns them. On the sessions' thread, unless a method says otherwise.
class SharedTracks : public std::enable_shared_from_this<SharedTracks> {
 public:
  /// `owner` is told when a wait for a track is over.
  SharedTracks(std::shared_ptr<SessionChannel> channel, std::uint64_t owner) noexcept
      : channel_(std::move(channel)), owner_(owner) {}

  /// A track that all sessions have, those that come as well. Any thread.
  std::shared_ptr<TrackLink> create(std::uint64_t target, moqt::FullTrackName name,
                                    const moqt::pubsub::TrackOptions& options);
  /// What is kept of tracks that are created from now on is charged to `account`.
  void charge_to(std::shared_ptr<base::Account> account) noexcept { account_ = std::move(account); }
  /// A session that has begun gets every track. Unless they are charged already, its endpoint's account is.
  void join(const std::shared_ptr<SessionLink>& session);
  /// The owner is gone; nobody writes any more.
  void close();

 private:
  void share(const std::shared_ptr<TrackLink>& track);

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t owner_;
  std::shared_ptr<base::Account> account_;
  bool closed_ = false;
  std::vector<std::shared_ptr<TrackLink>> tracks_;
  std::vector<std::weak_ptr<SessionLink>> sessions_;
};

}  // namespace msquic_py::python

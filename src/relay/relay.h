#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ledger/ledger.h"
#include "moqt/session/session.h"
#include "relay/admission_policy.h"
#include "relay/announcements.h"
#include "relay/back_pressure.h"
#include "relay/fetches.h"
#include "relay/intake.h"
#include "relay/namespace_directory.h"
#include "relay/peer.h"
#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "relay/status_queries.h"
#include "relay/subscriptions.h"
#include "relay/track_table.h"

namespace msquic_py::relay {

/// A MOQT relay over any number of sessions [d15 §8], without sockets, threads or a clock. This class only routes:
/// namespaces are the business of Announcements, subscribers of Subscriptions, publishers of Supply, objects of Intake,
/// past ones of Fetches, and those between two publishers of Backfills.
class Relay {
 public:
  using PeerNumber = std::uint64_t;

  /// The accounts of its tracks are opened in `ledger`; without one, in one of its own with `limits.memory`.
  /// `policy` is asked when sessions have asks_authorization set, and must outlive the relay; without one everybody may
  /// do everything.
  /// `id` tells this relay from all others, to notice loops of upstreams; without one it is drawn at random.
  explicit Relay(RelayLimits limits = {}, std::shared_ptr<const base::Ledger> ledger = nullptr,
                 AdmissionPolicy* policy = nullptr, std::optional<LoopGuard::Id> id = std::nullopt);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Adds a session; it and `outlet` must live until detach().
  /// `address` is for the policy.
  PeerNumber attach(moqt::session::Session& session, Outlet& outlet, std::string address = {});
  /// A relay, or another publisher, that is dialled: asked for what nobody here publishes under `prefix`, in the order
  /// of these calls. Its number. Before any session is attached.
  std::size_t add_upstream(moqt::TrackNamespace prefix = {}) { return sources_.add(std::move(prefix)).number; }
  /// The session of an upstream, which has none now; else as attach().
  PeerNumber attach_upstream(std::size_t upstream, moqt::session::Session& session, Outlet& outlet,
                             std::string address = {});
  /// That peer is this same relay, on another event loop: what it brings is counted apart.
  void mark_inner(PeerNumber peer);
  /// Whether an upstream without a session may get one: requests for its tracks wait. They do from the beginning.
  void expect_upstream(std::size_t upstream, bool expected) { sources_.upstream(upstream).expected = expected; }
  /// The policy's word on a question that it has not answered at once. It may come too late.
  void decide(PeerNumber peer, moqt::session::RequestHandle request, const moqt::session::Verdict& verdict);
  /// Asks everybody who subscribed to the track here, or offered it with PUBLISH, to do so at `uri` instead (GOAWAY on
  /// the streams of these requests, draft-22 section 9.2); their sessions go on. How many were told: drafts up to 16
  /// have no words for it. What is still here after Timeouts::goaway of its session is reset.
  std::size_t move_track(const moqt::FullTrackName& track, std::string_view uri);
  /// The session is over: what it published ends, what it wanted is forgotten.
  void detach(PeerNumber peer, moqt::session::Time now);
  /// Handles the events of one session until it has none. Returns whether there was any. Other sessions that got
  /// something to send were told through their outlets.
  bool on_events(PeerNumber peer, moqt::session::Time now);

  /// Lets go of what has been kept long enough, and gives up what nobody goes on with.
  void on_deadline(moqt::session::Time now);
  /// When on_deadline() has something to do.
  [[nodiscard]] std::optional<moqt::session::Time> next_deadline() const {
    const auto of_tracks = tracks_.next_deadline();
    const auto of_fetches = fetches_.next_deadline();
    return of_tracks && of_fetches ? std::min(of_tracks, of_fetches) : of_tracks ? of_tracks : of_fetches;
  }
  /// Whether there is anything that could become too old, or waits for somebody.
  [[nodiscard]] bool keeps_anything() const noexcept { return !tracks_.empty(); }

  /// A snapshot; takes a look at every subscription.
  [[nodiscard]] RelayCounters counters() const noexcept;
  [[nodiscard]] const base::Ledger& ledger() const noexcept { return *ledger_; }

 private:
  struct Route;
  Peer& add_peer(moqt::session::Session& session, Outlet& outlet, std::string address);

  RelayLimits limits_;
  const std::shared_ptr<const base::Ledger> ledger_;
  AdmissionPolicy* policy_;
  RelayCounters counters_;
  moqt::session::Time now_{};  ///< of the present turn
  NamespaceDirectory directory_;
  Sources sources_;
  TrackTable tracks_;
  Backfills backfills_;
  Supply supply_;
  Subscriptions subscriptions_;
  BackPressure back_pressure_;
  Intake intake_;
  StatusQueries status_queries_;
  Fetches fetches_;
  LoopGuard loops_;
  UpwardInterests upward_;
  Announcements announcements_;
  std::unordered_map<PeerNumber, std::unique_ptr<Peer>> peers_;
  PeerNumber next_number_ = 1;
};

}  // namespace msquic_py::relay

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "relay/relay.h"
#include "runtime/endpoint.h"
#include "runtime/memory_trim.h"
#include "runtime/session_user.h"
#include "runtime/upstream_link.h"

namespace msquic_py::runtime {

/// How the loops of one relay speak with each other.
SessionDriver::Options inner_session();

/// A relay that listens: connects the sans-I/O relay to real sessions on one event loop. Loop thread, or any thread
/// before the loop runs.
class RelayServer final : public SessionUser {
 public:
  /// On one of several loops, which count what they hold together; see below.
  RelayServer(EventLoop& loop, const relay::RelayLimits& limits, const std::shared_ptr<const base::Ledger>& ledger,
              relay::AdmissionPolicy* policy);
  /// `policy`, which must outlive the server, says who may do what; without one everybody may do everything.
  RelayServer(EventLoop& loop, relay::RelayLimits limits, relay::AdmissionPolicy* policy = nullptr)
      : RelayServer(loop, limits, std::make_shared<const base::Ledger>(limits.memory), policy) {}
  ~RelayServer() override;

  quic::Result<void> open(const std::string& app_name) { return endpoint_.open(app_name); }
  void open(quic::Registration registration) noexcept { endpoint_.open(std::move(registration)); }
  quic::Result<void> listen(Endpoint::ListenOptions options) {
    options.session.session.asks_authorization = asks_;
    options.session.session.timeouts.goaway = std::chrono::hours(24);  // drain() has a limit of its own
    return endpoint_.listen(std::move(options), *this);
  }
  /// For listen() of another loop's, which is to send clients here.
  [[nodiscard]] Endpoint::Place place() noexcept { return {&endpoint_, this}; }
  [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }
  /// See Endpoint::listener().
  [[nodiscard]] quic::Listener listener() const { return endpoint_.listener(); }
  [[nodiscard]] relay::RelayCounters counters() const noexcept { return relay_.counters(); }
  /// What is held for whom; its accounts may be read on any thread.
  [[nodiscard]] const base::Ledger& ledger() const noexcept { return endpoint_.ledger(); }
  /// The policy's word, when it comes late. Loop thread.
  void decide(relay::Relay::PeerNumber peer, moqt::session::RequestHandle request,
              const moqt::session::Verdict& verdict) {
    relay_.decide(peer, request, verdict);
  }
  /// Its connection; null when it is gone. Loop thread.
  [[nodiscard]] const quic::Connection* connection_of(relay::Relay::PeerNumber peer) const noexcept;

  /// Keeps a session with `options.dial` from the loop's first turn on, and asks it for what nobody here publishes; in
  /// the order of these calls. Once open() has succeeded, before clients come. Its number.
  std::size_t add_upstream(UpstreamOptions options);
  /// A session that another event loop of this relay asks for, on the server's end of a connection that tells `inbox`.
  /// Loop thread.
  void take_in(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection);
  [[nodiscard]] Endpoint& endpoint() noexcept { return endpoint_; }
  /// Told on the loop of what becomes of upstreams.
  void on_upstream(UpstreamLink::Notify notify) { notify_ = std::move(notify); }

  /// Accepts no more clients and asks those that are there to leave with GOAWAY, to the URI `successor` when it is not
  /// empty. Until they do, they are served as before. Sessions that are left after `grace` are closed with
  /// GOAWAY_TIMEOUT. Upstreams are left when the last client has gone. `done` is called once when no session is left.
  void drain(std::chrono::milliseconds grace, std::string_view successor, std::function<void()> done);
  /// Closes every session now; a drain that is under way ends.
  void close(moqt::SessionErrorCode code, std::string_view reason);

  bool on_events(SessionDriver& driver, EventLoop::Time now) override;
  void on_finished(SessionDriver& driver, const transport::CloseReason& reason) override;

 private:
  class Attachment;
  class Drain;
  class Housekeeping;
  Attachment& attach(SessionDriver& driver);
  [[nodiscard]] UpstreamLink* link_of(const SessionDriver& driver) const noexcept;
  /// Sessions of clients.
  [[nodiscard]] std::size_t clients() const noexcept;

  std::size_t inner_ = 0;  ///< sessions of other loops

  Endpoint endpoint_;
  const bool asks_;  ///< there is a policy
  relay::Relay relay_;
  std::unique_ptr<Housekeeping> housekeeping_;
  MemoryTrim memory_trim_;
  std::unordered_map<SessionDriver*, std::unique_ptr<Attachment>> attachments_;
  std::unordered_map<relay::Relay::PeerNumber, const SessionDriver*> drivers_;
  UpstreamLink::Notify notify_;
  std::vector<std::unique_ptr<UpstreamLink>> upstreams_;
  std::unique_ptr<Drain> drain_;
};

}  // namespace msquic_py::runtime

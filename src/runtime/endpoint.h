#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ledger/ledger.h"
#include "moqt/model/draft.h"
#include "quic/address.h"
#include "quic/configuration.h"
#include "quic/credentials.h"
#include "quic/listener.h"
#include "quic/registration.h"
#include "quic/server_configurations.h"
#include "quic/settings.h"
#include "runtime/event_loop.h"
#include "runtime/moqt_url.h"
#include "runtime/quic_watch.h"
#include "runtime/session_driver.h"

namespace msquic_py::runtime {

/// Clients that did not get in.
struct Refusal {
  quic::Address client;   ///< the one, or the latest of several
  std::size_t count = 1;  ///< how many, when they came faster than they could be told one by one
  std::string reason;     ///< for people
};

/// Every draft that a session can be of, the newest first, which is what two endpoints speak that prefer no other.
std::vector<moqt::Draft> all_drafts();

/// MOQT sessions over real connections, all on one event loop. The entry to the runtime: listen(), dial(), run().
///
/// Methods are for the loop's thread, or for any thread before run(), unless they say otherwise.
class Endpoint {
 public:
  /// Another endpoint, on a loop of its own, and who gets its sessions.
  struct Place {
    Endpoint* endpoint;
    SessionUser* user;
  };
  struct ListenOptions {
    std::string host = "::";  ///< an IP literal; a wildcard listens on both families
    std::uint16_t port = 0;   ///< 0 chooses a free one, see port()
    quic::Credentials credentials;
    /// In place of `credentials`: ready ones, by server name, with ALPNs and settings of their own.
    quic::ServerConfigurations configurations;
    /// See quic::ListenOptions.
    std::chrono::milliseconds handshake_timeout{10'000};
    SessionDriver::Options session;
    /// What clients may speak, the most preferred first: whoever offers several gets the first of these. With
    /// `configurations` they name the same.
    std::vector<moqt::Draft> drafts = all_drafts();
    /// Asked about clients' certificates when Credentials::custom_verification is set; without it the library's own
    /// verdict decides.
    CertificateJudge judge;
    bool gives_tickets = false;         ///< each client gets a resumption ticket
    std::size_t max_sessions = 10'000;  ///< further clients are refused
    /// Each client goes to whichever of this endpoint and those has the fewest. Their loops do not run yet.
    std::vector<Place> others;
    /// In place of the one of transport_settings(); without effect on `configurations`.
    std::optional<quic::CongestionControl> congestion_control;
    /// Told on the loop of clients beyond max_sessions, of handshakes that failed, and of connections that ended before
    /// the session's SETUP. A client without a common ALPN is refused by MsQuic itself and not told here; see
    /// quic::PerformanceCounters::connections_no_alpn.
    std::function<void(const Refusal&)> on_refused;
  };
  /// Makes a connection, which tells the handler.
  using Carrier = std::function<transport::ConnectionHandle(std::shared_ptr<transport::ConnectionHandler>)>;
  struct DialOptions {
    /// In place of a QUIC connection; then `session` alone counts of what follows.
    Carrier carrier;
    std::string host;  ///< name or IP literal; the server's certificate must carry it
    std::uint16_t port = 443;
    quic::Address address;  ///< of the host, when it is known already; then `port` does not count
    quic::Address local_address;
    quic::Credentials credentials;
    /// In place of `credentials`: a ready one with ALPNs and settings of its own, of `registration`.
    quic::Configuration configuration;
    quic::Registration registration;
    base::ByteVector ticket;  ///< see quic::Connection::set_resumption_ticket()
    SessionDriver::Options session;
    /// What is offered to the server, the most preferred first; not looked at with a `configuration` that is ready.
    std::vector<moqt::Draft> drafts = all_drafts();
    CertificateJudge judge;  ///< of the server's certificate, see ListenOptions
    /// Silence after which the server counts as dead; keep-alives are sent three times as often.
    std::chrono::milliseconds idle_timeout{15'000};
    /// As in ListenOptions.
    std::optional<quic::CongestionControl> congestion_control;

    /// Dials that server: host, port, and what SETUP says of both and of the path [d15 §9.3.1]. What was known of
    /// another one, its address and a ticket, is forgotten; whom to trust is not.
    void set_server(const MoqtUrl& url);
  };

  /// What its sessions and connections hold is in the accounts of `ledger`; without one, of one of its own.
  explicit Endpoint(EventLoop& loop, std::shared_ptr<const base::Ledger> ledger = nullptr)
      : loop_(loop), ledger_(ledger ? std::move(ledger) : std::make_shared<const base::Ledger>()) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  /// Ends what is left without waiting; call close() and let the loop run until idle() for a clean end.
  ~Endpoint();

  /// Opens MsQuic. Must succeed before anything else.
  quic::Result<void> open(const std::string& app_name);
  /// The same with a registration that is open already.
  void open(quic::Registration registration) noexcept { registration_ = std::move(registration); }

  /// Accepts clients; `user` receives every session and must outlive the endpoint.
  quic::Result<void> listen(ListenOptions options, SessionUser& user);
  /// The port listen() got; 0 while not listening.
  [[nodiscard]] std::uint16_t port() const;
  /// What listen() made, for any thread; empty before. Whoever keeps it keeps the registration open.
  [[nodiscard]] quic::Listener listener() const { return listener_; }
  /// Accepts no more clients; sessions live on.
  void stop_listening();

  /// For a connection of another carrier than QUIC that take_in() will take. Any thread.
  [[nodiscard]] std::shared_ptr<TransportInbox> make_inbox();
  /// A session on the server's end of a connection that tells `inbox`.
  SessionDriver& take_in(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection,
                         SessionDriver::Options options, SessionUser& user);
  /// Begins a client session. Events, or on_finished() with the reason why not, follow on the loop.
  quic::Result<SessionDriver*> dial(DialOptions options, SessionUser& user);

  /// Sends GOAWAY on every session but inner ones, so that clients leave [d15 §3.5].
  void goaway(std::string_view new_session_uri = {});
  /// Closes every session.
  void close(moqt::SessionErrorCode code, std::string_view reason);
  /// No session is left.
  [[nodiscard]] bool idle() const noexcept { return drivers_.empty(); }
  [[nodiscard]] std::size_t sessions() const noexcept { return drivers_.size(); }
  /// Called on the loop whenever the last session has ended.
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
  /// Its accounts may be read on any thread.
  [[nodiscard]] const base::Ledger& ledger() const noexcept { return *ledger_; }

 private:
  class Acceptor;
  SessionDriver& add_driver(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection,
                            SessionDriver::Options options, SessionUser& user, std::shared_ptr<Acceptor> acceptor);

  EventLoop& loop_;
  const std::shared_ptr<const base::Ledger> ledger_;
  quic::Registration registration_;
  std::shared_ptr<Acceptor> acceptor_;
  quic::Listener listener_;
  std::unordered_map<SessionDriver*, std::unique_ptr<SessionDriver>> drivers_;
  std::function<void()> on_idle_;
};

/// The ALPN tokens of those drafts, in that order.
std::vector<std::string> alpns_of(std::span<const moqt::Draft> drafts);
/// The ALPN tokens of the drafts that this build speaks, the preferred first.
std::vector<std::string> supported_alpns();

}  // namespace msquic_py::runtime

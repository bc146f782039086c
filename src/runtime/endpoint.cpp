#include "runtime/endpoint.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <utility>

#include "moqt/model/draft.h"
#include "runtime/transport_settings.h"

namespace msquic_py::runtime {

/// Accepts connections on MsQuic's threads and hands each to an endpoint, on its loop. Outlives the endpoints if MsQuic
/// still calls it; release() cuts the ties.
class Endpoint::Acceptor final : public quic::ListenerHandler, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Endpoint& endpoint, ListenOptions options, SessionUser& user)
      : loop_(endpoint.loop_), ledger_(endpoint.ledger_), options_(std::move(options)) {
    halls_.emplace_back(endpoint, user);
    for (const Place& place : options_.others) halls_.emplace_back(*place.endpoint, *place.user);
  }

  std::optional<quic::AcceptedConnection> on_new_connection(const quic::NewConnection& incoming) noexcept override {
    const std::lock_guard lock(mutex_);
    std::size_t live = 0;
    for (const Hall& each : halls_) live += each.live.load();
    Hall& hall = *std::min_element(halls_.begin(), halls_.end(), [](const Hall& one, const Hall& another) {
      return one.live.load() < another.live.load();
    });
    if (hall.endpoint == nullptr) return std::nullopt;
    const bool too_many = live >= options_.max_sessions;
    if (too_many || !ledger_->process().has_room()) {
      refuse(incoming.remote_address, !too_many);
      return std::nullopt;
    }
    try {
      auto inbox = std::make_shared<TransportInbox>(hall.loop, ledger_->open_connection());
      auto events = std::make_shared<quic::CarrierEvents>(
          inbox, std::make_shared<QuicWatch>(inbox, options_.judge, options_.gives_tickets));
      hall.loop.post([self = shared_from_this(), &hall, inbox, events, connection = incoming.connection] {
        self->adopt(hall, inbox, *events, connection);
      });
      ++hall.live;
      return quic::AcceptedConnection{std::move(events), {}};
    } catch (const std::bad_alloc&) {
      return std::nullopt;  // costs the client that came when memory was gone, and nobody else
    }
  }

  /// The endpoint is going away: on its loop's thread, or when that does not run any more.
  void release(const Endpoint& endpoint) {
    const std::lock_guard lock(mutex_);
    for (Hall& hall : halls_) {
      if (hall.endpoint == &endpoint) hall.endpoint = nullptr;
    }
  }
  /// Thread of the endpoint's loop. `driver` is about to go.
  void session_ended(const Endpoint& endpoint, const SessionDriver& driver, const transport::CloseReason& reason) {
    for (Hall& hall : halls_) {
      if (hall.endpoint == &endpoint) --hall.live;
    }
    if (!options_.on_refused || driver.was_established()) return;
    const std::string why = reason.reason.empty() ? reason.message : reason.message + ": " + reason.reason;
    const Refusal refusal{quic_connection(driver).remote_address(), 1, why};
    if (loop_.on_loop_thread()) return options_.on_refused(refusal);
    loop_.post([self = shared_from_this(), refusal] { self->options_.on_refused(refusal); });
  }

 private:
  /// Where clients go.
  struct Hall {
    Hall(Endpoint& endpoint_, SessionUser& user_) : endpoint(&endpoint_), loop(endpoint_.loop_), user(user_) {}
    Endpoint* endpoint;
    EventLoop& loop;
    SessionUser& user;
    std::atomic<std::size_t> live{0};
  };

  /// Under the lock. However many clients come at once, one task tells of them.
  void refuse(const quic::Address& client, bool for_memory) {
    if (!options_.on_refused) return;
    no_memory_ = for_memory;
    beyond_limit_.client = client;
    if (beyond_limit_.count++ > 0) return;
    loop_.post([self = shared_from_this()] {
      Refusal refusal;
      bool no_memory = false;
      {
        const std::lock_guard lock(self->mutex_);
        no_memory = self->no_memory_;
        refusal = std::exchange(self->beyond_limit_, Refusal{{}, 0, {}});
      }
      refusal.reason =
          no_memory ? "no memory is left for another session"
                    : "there are " + std::to_string(self->options_.max_sessions) + " sessions, as many as are admitted";
      self->options_.on_refused(refusal);
    });
  }
  void adopt(Hall& hall, const std::shared_ptr<TransportInbox>& inbox, const quic::CarrierEvents& events,
             const quic::Connection& connection) {
    if (hall.endpoint == nullptr) return;  // written on this thread only; the connection goes with its last handle
    SessionDriver::Options options = options_.session;
    options.session.perspective = moqt::Perspective::kServer;
    hall.endpoint->add_driver(inbox, std::make_unique<quic::CarriedConnection>(connection, events), std::move(options),
                              hall.user, shared_from_this());
  }

  std::mutex mutex_;
  Refusal beyond_limit_{{}, 0, {}};  ///< what has not been told yet
  bool no_memory_ = false;           ///< why the latest of them was refused
  EventLoop& loop_;
  const std::shared_ptr<const base::Ledger> ledger_;
  const ListenOptions options_;
  std::deque<Hall> halls_;
};

namespace {

quic::Settings settings_for(const SessionDriver::Options& options) {
  const moqt::session::Limits& limits = options.session.limits;
  return transport_settings(
      static_cast<std::uint16_t>(std::min<std::size_t>(limits.max_incoming_streams + 128, 0xffff)),
      limits.max_open_requests);
}

}  // namespace

std::vector<std::string> alpns_of(std::span<const moqt::Draft> drafts) {
  std::vector<std::string> alpns;
  for (const moqt::Draft draft : drafts) alpns.emplace_back(moqt::alpn(draft));
  return alpns;
}

std::vector<moqt::Draft> all_drafts() {
  std::vector<moqt::Draft> drafts(moqt::kSupportedDrafts.begin(), moqt::kSupportedDrafts.end());
  std::ranges::sort(drafts, std::ranges::greater());
  return drafts;
}

std::vector<std::string> supported_alpns() { return alpns_of(all_drafts()); }

Endpoint::~Endpoint() {
  if (acceptor_) acceptor_->release(*this);
}

quic::Result<void> Endpoint::open(const std::string& app_name) {
  auto registration = quic::Registration::open(app_name);
  if (!registration) return base::Failure{registration.error()};
  registration_ = std::move(registration.value());
  return {};
}

quic::Result<void> Endpoint::listen(ListenOptions options, SessionUser& user) {
  auto address = options.host.empty() ? std::optional(quic::Address::any(options.port))
                                      : quic::Address::parse(options.host, options.port);
  // "::" means both families here; to MsQuic an address of the IPv6 family refuses IPv4 clients.
  if (address && address->is_any() && address->family() == quic::Address::Family::IPv6) {
    address = quic::Address::any(options.port);
  }
  if (!address) {
    return base::Failure{quic::Error::own(quic::Status::InvalidAddress,
                                          "cannot listen on '" + options.host + "': it is not an IP address")};
  }
  const auto alpns = alpns_of(options.drafts);
  if (options.configurations.empty()) {
    quic::Settings settings = settings_for(options.session);
    if (options.congestion_control) settings.congestion_control = options.congestion_control;
    auto configuration = quic::Configuration::open(registration_, alpns, settings, options.credentials);
    if (!configuration) return base::Failure{configuration.error()};
    options.configurations = quic::ServerConfigurations(std::move(configuration.value()));
  }
  const quic::ListenOptions how{.address = *address, .handshake_timeout = options.handshake_timeout};
  auto configurations = std::move(options.configurations);
  const std::vector<Place> others = options.others;
  auto acceptor = std::make_shared<Acceptor>(*this, std::move(options), user);
  auto listener = quic::Listener::open(registration_, acceptor);
  if (!listener) return base::Failure{listener.error()};
  if (auto set = listener->set_configurations(std::move(configurations)); !set) return set;
  if (auto started = listener->start(alpns, how); !started) return started;
  for (const Place& place : others) place.endpoint->acceptor_ = acceptor;
  acceptor_ = std::move(acceptor);
  listener_ = std::move(listener.value());
  return {};
}

std::uint16_t Endpoint::port() const { return listener_ ? listener_.local_address().port() : std::uint16_t{0}; }

void Endpoint::stop_listening() {
  if (listener_) (void)listener_.stop();
}

std::shared_ptr<TransportInbox> Endpoint::make_inbox() {
  return std::make_shared<TransportInbox>(loop_, ledger_->open_connection());
}

SessionDriver& Endpoint::take_in(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection,
                                 SessionDriver::Options options, SessionUser& user) {
  options.session.perspective = moqt::Perspective::kServer;
  return add_driver(std::move(inbox), std::move(connection), std::move(options), user, nullptr);
}

quic::Result<SessionDriver*> Endpoint::dial(DialOptions options, SessionUser& user) {
  options.session.session.perspective = moqt::Perspective::kClient;
  if (options.carrier) {
    auto inbox = make_inbox();
    auto made = options.carrier(inbox);
    return &add_driver(std::move(inbox), std::move(made), std::move(options.session), user, nullptr);
  }
  if (!options.registration) options.registration = registration_;
  if (!options.configuration) {
    quic::Settings settings = settings_for(options.session);
    settings.idle_timeout_ms = static_cast<std::uint64_t>(options.idle_timeout.count());
    settings.handshake_idle_timeout_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(options.session.handshake_timeout).count());
    settings.keep_alive_interval_ms = static_cast<std::uint32_t>(options.idle_timeout.count() / 3);
    if (options.congestion_control) settings.congestion_control = options.congestion_control;
    auto configuration =
        quic::Configuration::open(options.registration, alpns_of(options.drafts), settings, options.credentials);
    if (!configuration) return base::Failure{configuration.error()};
    options.configuration = std::move(configuration.value());
  }
  auto inbox = make_inbox();
  const auto events = std::make_shared<quic::CarrierEvents>(
      inbox, std::make_shared<QuicWatch>(inbox, std::move(options.judge), /*gives_tickets=*/false));
  auto connection = quic::Connection::open(options.registration, events);
  if (!connection) return base::Failure{connection.error()};
  if (options.local_address.family() != quic::Address::Family::Unspecified) {
    if (auto set = connection->set_local_address(options.local_address); !set) return base::Failure{set.error()};
  }
  if (!options.ticket.empty()) {
    if (auto set = connection->set_resumption_ticket(options.ticket); !set) return base::Failure{set.error()};
  }
  const bool resolved = options.address.family() != quic::Address::Family::Unspecified;
  const auto started = resolved ? connection->start(options.configuration, options.host, options.address)
                                : connection->start(options.configuration, options.host, options.port);
  if (!started) return base::Failure{started.error()};
  return &add_driver(std::move(inbox),
                     std::make_unique<quic::CarriedConnection>(std::move(connection.value()), *events),
                     std::move(options.session), user, nullptr);
}

SessionDriver& Endpoint::add_driver(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection,
                                    SessionDriver::Options options, SessionUser& user,
                                    std::shared_ptr<Acceptor> acceptor) {
  options.session.account = ledger_->open_session();
  options.session.readers = ledger_->readers();
  options.session.writers = ledger_->writers();
  auto ended = [this, acceptor = std::move(acceptor)](SessionDriver& driver, const transport::CloseReason& reason) {
    if (acceptor) acceptor->session_ended(*this, driver, reason);
    drivers_.erase(&driver);
    if (drivers_.empty() && on_idle_) on_idle_();
  };
  auto driver = std::make_unique<SessionDriver>(loop_, std::move(inbox), std::move(connection), std::move(options),
                                                user, std::move(ended));
  SessionDriver& reference = *driver;
  drivers_.emplace(&reference, std::move(driver));
  return reference;
}

void Endpoint::DialOptions::set_server(const MoqtUrl& url) {
  host = url.host;
  port = url.port;
  address = {};
  ticket.clear();
  session.session.path = url.path;
  // The scope of an IPv6 address means something on this machine only (RFC 4007 section 11).
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host.substr(0, host.find('%')) + "]";
  session.session.authority = name + ":" + std::to_string(port);
}

void Endpoint::goaway(std::string_view new_session_uri) {
  for (auto& [driver, owned] : drivers_) {
    if (!driver->inner()) driver->goaway(new_session_uri);
  }
}

void Endpoint::close(moqt::SessionErrorCode code, std::string_view reason) {
  for (auto& [driver, owned] : drivers_) driver->close(code, reason);
}

}  // namespace msquic_py::runtime

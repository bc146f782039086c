#include "runtime/relay_server.h"

#include <algorithm>
#include <string>
#include <utility>

namespace msquic_py::runtime {

/// One driver's place at the relay.
class RelayServer::Attachment final : public relay::Outlet {
 public:
  Attachment(SessionDriver& driver, relay::Relay& relay, UpstreamLink* link) : driver_(driver), link_(link) {
    const auto* const connection = find_quic_connection(driver);
    std::string address = connection == nullptr ? std::string() : connection->remote_address().to_string();
    number_ = link == nullptr ? relay.attach(driver.session(), *this, std::move(address))
                              : relay.attach_upstream(link->number(), driver.session(), *this, std::move(address));
    if (driver.inner()) relay.mark_inner(number_);
  }
  void make_ready() override { driver_.make_ready(); }
  [[nodiscard]] relay::Relay::PeerNumber number() const noexcept { return number_; }
  /// Null for a client.
  [[nodiscard]] UpstreamLink* link() const noexcept { return link_; }

 private:
  SessionDriver& driver_;
  UpstreamLink* const link_;
  relay::Relay::PeerNumber number_ = 0;
};

/// Closes what is left when the grace period is over.
class RelayServer::Drain final : public EventLoop::Participant {
 public:
  Drain(RelayServer& server, EventLoop& loop, EventLoop::Time deadline, std::function<void()> done)
      : server_(server), loop_(loop), deadline_(deadline), done_(std::move(done)) {
    loop_.add(*this);
  }
  ~Drain() override { loop_.remove(*this); }

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override {
    if (server_.endpoint_.idle()) {
      if (done_) std::exchange(done_, nullptr)();
      return std::nullopt;
    }
    if (server_.clients() == 0) {
      for (const auto& link : server_.upstreams_) link->stop(/*close=*/true);
    }
    if (now < deadline_) return deadline_;
    server_.endpoint_.close(moqt::SessionErrorCode::kGoawayTimeout, "the relay is shutting down");
    return std::nullopt;
  }
  void hurry() { deadline_ = EventLoop::Time::min(); }

 private:
  RelayServer& server_;
  EventLoop& loop_;
  EventLoop::Time deadline_;
  std::function<void()> done_;
};

/// Lets the relay drop what it has kept long enough.
class RelayServer::Housekeeping final : public EventLoop::Participant {
 public:
  Housekeeping(EventLoop& loop, relay::Relay& relay) : loop_(loop), relay_(relay) { loop_.add(*this); }
  ~Housekeeping() override { loop_.remove(*this); }

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override {
    if (now >= due_) {
      relay_.on_deadline(now);
      due_ = now + kPeriod;
    }
    waits_ = relay_.keeps_anything();
    return waits_ ? std::optional(due_) : std::nullopt;
  }
  /// The relay may have something to keep.
  void wake() {
    if (!std::exchange(waits_, true)) loop_.ready(*this);
  }

 private:
  /// Nothing that it does is urgent; what takes longer than this is not noticed by anybody.
  static constexpr auto kPeriod = std::chrono::milliseconds(250);

  EventLoop& loop_;
  relay::Relay& relay_;
  EventLoop::Time due_{};
  bool waits_ = false;
};

SessionDriver::Options inner_session() {
  // Between the loops goes what any number of clients ask; they have limits of their own.
  constexpr std::size_t kMany = 1024 * 1024;
  SessionDriver::Options options;
  options.inner = true;
  moqt::session::Limits& limits = options.session.limits;
  limits.max_open_requests = limits.max_waiting_requests = kMany;
  limits.max_published_namespaces = limits.max_namespace_subscriptions = limits.max_found_namespaces = kMany;
  limits.max_fetches = limits.max_incoming_streams = limits.max_outgoing_streams = kMany;
  return options;
}

RelayServer::RelayServer(EventLoop& loop, const relay::RelayLimits& limits,
                         const std::shared_ptr<const base::Ledger>& ledger, relay::AdmissionPolicy* policy)
    : endpoint_(loop, ledger),
      asks_(policy != nullptr),
      relay_(limits, ledger, policy),
      housekeeping_(std::make_unique<Housekeeping>(loop, relay_)),
      memory_trim_(loop) {}
RelayServer::~RelayServer() = default;

RelayServer::Attachment& RelayServer::attach(SessionDriver& driver) {
  if (void* const record = driver.record()) return *static_cast<Attachment*>(record);
  auto& attachment = attachments_[&driver];
  attachment = std::make_unique<Attachment>(driver, relay_, link_of(driver));
  drivers_.emplace(attachment->number(), &driver);
  driver.set_record(attachment.get());
  return *attachment;
}

UpstreamLink* RelayServer::link_of(const SessionDriver& driver) const noexcept {
  const auto found =
      std::find_if(upstreams_.begin(), upstreams_.end(), [&](const auto& link) { return link->driver() == &driver; });
  return found == upstreams_.end() ? nullptr : found->get();
}

std::size_t RelayServer::clients() const noexcept {
  const auto dialled =
      std::count_if(upstreams_.begin(), upstreams_.end(), [](const auto& link) { return link->driver() != nullptr; });
  return endpoint_.sessions() - static_cast<std::size_t>(dialled) - inner_;
}

std::size_t RelayServer::add_upstream(UpstreamOptions options) {
  const std::size_t number = relay_.add_upstream(options.prefix);
  upstreams_.push_back(std::make_unique<UpstreamLink>(endpoint_, *this, number, std::move(options),
                                                      [this](const UpstreamNotice& notice) {
                                                        if (notify_) notify_(notice);
                                                      }));
  return number;
}

const quic::Connection* RelayServer::connection_of(relay::Relay::PeerNumber peer) const noexcept {
  const auto found = drivers_.find(peer);
  return found == drivers_.end() ? nullptr : find_quic_connection(*found->second);
}

void RelayServer::take_in(std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection) {
  ++inner_;
  endpoint_.take_in(std::move(inbox), std::move(connection), inner_session(), *this);
}

bool RelayServer::on_events(SessionDriver& driver, EventLoop::Time now) {
  const Attachment& attachment = attach(driver);
  const bool any = relay_.on_events(attachment.number(), now);
  if (any && relay_.keeps_anything()) housekeeping_->wake();
  if (attachment.link() != nullptr) attachment.link()->look(now);
  return any;
}

void RelayServer::on_finished(SessionDriver& driver, const transport::CloseReason& reason) {
  const EventLoop::Time now = EventLoop::Clock::now();
  memory_trim_.session_ended(now);
  UpstreamLink* const link = link_of(driver);
  if (driver.inner() && link == nullptr) --inner_;
  if (link != nullptr) relay_.expect_upstream(link->number(), link->redials());
  if (const auto found = attachments_.find(&driver); found != attachments_.end()) {
    driver.set_record(nullptr);
    const relay::Relay::PeerNumber number = found->second->number();
    relay_.detach(number, now);
    drivers_.erase(number);
    attachments_.erase(found);
    if (relay_.keeps_anything()) housekeeping_->wake();
  }
  if (link != nullptr) link->on_finished(reason, now);
  if (drain_) endpoint_.loop().ready(*drain_);
}

void RelayServer::drain(std::chrono::milliseconds grace, std::string_view successor, std::function<void()> done) {
  if (drain_) return;
  endpoint_.stop_listening();
  for (const auto& link : upstreams_) link->stop(/*close=*/false);
  endpoint_.goaway(successor);
  drain_ = std::make_unique<Drain>(*this, endpoint_.loop(), EventLoop::Clock::now() + grace, std::move(done));
  endpoint_.on_idle([this] { endpoint_.loop().ready(*drain_); });
}

void RelayServer::close(moqt::SessionErrorCode code, std::string_view reason) {
  for (const auto& link : upstreams_) link->stop(/*close=*/false);
  endpoint_.close(code, reason);
  if (drain_) {
    drain_->hurry();
    endpoint_.loop().ready(*drain_);
  }
}

}  // namespace msquic_py::runtime

#include "quic/listener_state.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "quic/address_kind.h"
#include "quic/background.h"
#include "quic/connection_state.h"
#include "quic/library.h"
#include "quic/platform_address.h"

namespace msquic_py::quic {
namespace {

constexpr std::chrono::milliseconds kLongestHandshake{std::int64_t{1} << 40};

}  // namespace

ListenerState::ListenerState(RegistrationState& registration, std::shared_ptr<ListenerHandler> handler)
    : registration_(registration), handler_(std::move(handler)) {
  registration_.retain();
}

void ListenerState::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (Library::finalizing()) return;  // the handler's destructor must not run any more
  RegistrationState& registration = registration_;
  delete this;
  registration.release();
}

void ListenerState::release_user() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!Library::finalizing()) stop();
  release();
}

Result<HQUIC> ListenerState::open_and_start(std::span<const std::string> alpns, const Address& address) {
  std::vector<QUIC_BUFFER> buffers;
  for (const std::string& alpn : alpns) {
    if (alpn.empty() || alpn.size() > 255) break;
    buffers.push_back(
        {static_cast<std::uint32_t>(alpn.size()), reinterpret_cast<std::uint8_t*>(const_cast<char*>(alpn.data()))});
  }
  if (buffers.empty() || buffers.size() != alpns.size()) {
    return base::Failure{Error::own(Status::InvalidParameter, "give at least one ALPN, each 1 to 255 bytes long")};
  }
  HQUIC handle = nullptr;
  QUIC_STATUS status = api().ListenerOpen(registration_.handle(), &ListenerState::callback, this, &handle);
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "opening a listener")};
  retain();  // MsQuic's
  registration_.child_opened(ObjectKind::Listener);
  const QUIC_ADDR local = to_msquic(address);
  status = api().ListenerStart(handle, buffers.data(), static_cast<std::uint32_t>(buffers.size()), &local);
  if (QUIC_SUCCEEDED(status)) return handle;
  close_in_background(handle, nullptr);
  return base::Failure{Error::from_raw(status, "listening on " + address.to_string())};
}

Result<void> ListenerState::start(std::span<const std::string> alpns, const ListenOptions& options) {
  if (options.handshake_timeout.count() < 0 || options.handshake_timeout > kLongestHandshake) {
    return base::Failure{Error::own(Status::InvalidParameter, "a handshake's timeout is 0 to 2^40 ms")};
  }
  {
    const std::lock_guard lock(mutex_);
    if (running_ != nullptr || starting_)
      return base::Failure{Error::own(Status::InvalidState, "the listener is started already")};
    starting_ = true;
    stop_wanted_ = false;
  }
  const auto failed = [this](Error error) -> Result<void> {
    const std::lock_guard lock(mutex_);
    starting_ = false;
    run_.reset();
    return base::Failure{std::move(error)};
  };
  if (auto unusable = check_kind(options.address, "listen on")) return failed(std::move(*unusable));
  if (auto probed = PortClaim::probe_address(options.address); !probed) return failed(probed.error());
  if (auto probed = PortClaim::probe(options.address.port()); !probed) return failed(probed.error());
  const Address& wanted = options.address;
  std::shared_ptr<PortClaim> port = wanted.port() == 0 ? PortClaim::take_free() : PortClaim::take(wanted.port());
  if (port) ListenerRun::make_way(*port);
  const Address address = Address::from_bytes(wanted.family(), wanted.bytes().data(),
                                              port ? port->port() : std::uint16_t{0}, wanted.scope_id());
  {
    const std::lock_guard lock(mutex_);
    deadlines_.reset();
    if (options.handshake_timeout.count() > 0)
      deadlines_ = std::make_shared<HandshakeDeadlines>(options.handshake_timeout);
    // What comes before the real port is known belongs to it, too.
    run_ = std::make_shared<ListenerRun>(registration_, std::move(port));
  }
  auto handle = open_and_start(alpns, address);
  if (!handle) return failed(handle.error());
  QUIC_ADDR local{};
  std::uint32_t size = sizeof(local);
  static_cast<void>(api().GetParam(*handle, QUIC_PARAM_LISTENER_LOCAL_ADDRESS, &size, &local));
  bool stop_now = false;
  {
    const std::lock_guard lock(mutex_);
    starting_ = false;
    running_ = *handle;
    local_ = from_msquic(local);
    closed_ = std::make_shared<CloseSignal>();
    run_->started(local_.port());
    stop_now = stop_wanted_;
  }
  if (stop_now) stop();
  return {};
}

void ListenerState::stop() noexcept {
  HQUIC handle = nullptr;
  std::shared_ptr<CloseSignal> closed;
  std::shared_ptr<ListenerRun> run;
  bool refuses = false;
  {
    const std::lock_guard lock(mutex_);
    if (starting_) stop_wanted_ = true;
    handle = std::exchange(running_, nullptr);
    local_ = {};
    if (handle == nullptr) return;
    run = std::exchange(run_, nullptr);
    // Shared with connections that it accepted, or with one that is being offered.
    refuses = run->refuse(*this, handle, run.use_count() > 1);
    closed = closed_;
    if (refuses) {
      refusing_.push_back(handle);
      if (calls_ != 0) closed_when_idle_ = std::exchange(closed, nullptr);
    }
  }
  if (!refuses) {
    api().ListenerStop(handle);
    return close_in_background(handle, std::move(closed));
  }
  if (!Library::finalizing()) handler_->on_stopped();
  if (closed) closed->set();
}

void ListenerState::close_in_background(HQUIC handle, std::shared_ptr<CloseSignal> closed) noexcept {
  run_in_background([this, handle, signal = std::move(closed)] {
    {
      std::unique_lock lock(mutex_);
      read_.wait(lock, [this] { return reading_ == 0; });
    }
    api().ListenerClose(handle);  // waits for callbacks under way
    {
      const std::lock_guard lock(mutex_);
      std::erase(refusing_, handle);
    }
    registration_.child_closed(ObjectKind::Listener);
    release();  // MsQuic's
    if (signal) signal->set();
  });
}

bool ListenerState::wait_closed(std::chrono::milliseconds timeout) {
  std::shared_ptr<CloseSignal> closed;
  {
    const std::lock_guard lock(mutex_);
    closed = closed_;
  }
  return !closed || closed->wait(timeout);
}

void ListenerState::set_configurations(ServerConfigurations configurations) {
  auto replacement = std::make_shared<const ServerConfigurations>(std::move(configurations));
  const std::lock_guard lock(mutex_);
  configurations_.swap(replacement);  // the previous one goes without the lock
}

Result<ListenerStatistics> ListenerState::statistics() {
  HQUIC handle = nullptr;
  {
    const std::lock_guard lock(mutex_);
    handle = running_;
    if (handle == nullptr) {
      return base::Failure{Error::own(Status::InvalidState, "a listener has statistics while it is started")};
    }
    ++reading_;
  }
  QUIC_LISTENER_STATISTICS in{};
  std::uint32_t size = sizeof(in);
  const QUIC_STATUS status = api().GetParam(handle, QUIC_PARAM_LISTENER_STATS, &size, &in);
  {
    const std::lock_guard lock(mutex_);
    --reading_;
  }
  read_.notify_all();
  if (QUIC_FAILED(status)) return base::Failure{Error::from_raw(status, "reading a listener's statistics")};
  return ListenerStatistics{in.TotalAcceptedConnections, in.TotalRejectedConnections, in.BindingRecvDroppedPackets};
}

Address ListenerState::local_address() const {
  const std::lock_guard lock(mutex_);
  return local_;
}

QUIC_STATUS QUIC_API ListenerState::callback(HQUIC handle, void* context, QUIC_LISTENER_EVENT* event) noexcept {
  auto& state = *static_cast<ListenerState*>(context);
  switch (event->Type) {
    case QUIC_LISTENER_EVENT_NEW_CONNECTION: return state.on_new_connection(handle, *event);
    case QUIC_LISTENER_EVENT_STOP_COMPLETE: state.on_stop_complete(handle); return QUIC_STATUS_SUCCESS;
    default: return QUIC_STATUS_SUCCESS;
  }
}

void ListenerState::on_stop_complete(HQUIC handle) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::find(refusing_.begin(), refusing_.end(), handle) != refusing_.end()) return;  // told already
  }
  if (!Library::finalizing()) handler_->on_stopped();
}

QUIC_STATUS ListenerState::on_new_connection(HQUIC handle, const QUIC_LISTENER_EVENT& event) noexcept {
  if (Library::finalizing()) return QUIC_STATUS_CONNECTION_REFUSED;
  std::shared_ptr<ListenerRun> run;
  std::shared_ptr<HandshakeDeadlines> deadlines;
  {
    const std::lock_guard lock(mutex_);
    if (std::find(refusing_.begin(), refusing_.end(), handle) != refusing_.end()) return QUIC_STATUS_CONNECTION_REFUSED;
    run = run_;
    deadlines = deadlines_;
    ++calls_;
  }
  QUIC_STATUS status = QUIC_STATUS_CONNECTION_REFUSED;
  try {
    status = offer(*event.NEW_CONNECTION.Info, event.NEW_CONNECTION.Connection, std::move(run), deadlines.get());
  } catch (const std::bad_alloc&) {
    // It costs the one that comes when memory is gone, not those that are there.
  }
  std::shared_ptr<CloseSignal> idle;
  {
    const std::lock_guard lock(mutex_);
    if (--calls_ == 0) idle.swap(closed_when_idle_);
  }
  if (idle) idle->set();
  return status;
}

QUIC_STATUS ListenerState::offer(const QUIC_NEW_CONNECTION_INFO& info, HQUIC connection,
                                 std::shared_ptr<ListenerRun> run, HandshakeDeadlines* deadlines) {
  ConnectionState& state = *ConnectionState::offered(registration_, connection, info, std::move(run));
  NewConnection incoming;
  incoming.connection = Connection(UserReference<ConnectionState>::adopt(state));
  incoming.local_address = state.local_address();
  incoming.remote_address = state.remote_address();
  if (info.ServerName != nullptr) incoming.server_name = {info.ServerName, info.ServerNameLength};
  incoming.negotiated_alpn = {reinterpret_cast<const char*>(info.NegotiatedAlpn), info.NegotiatedAlpnLength};
  incoming.quic_version = info.QuicVersion;

  // Before the last handle on it goes, also when memory runs out: MsQuic closes what this side refuses.
  struct Refused {
    ConnectionState* state;
    ~Refused() {
      if (state != nullptr) state->disown();
    }
  } refused{&state};
  std::optional<AcceptedConnection> accepted = handler_->on_new_connection(incoming);
  if (accepted && accepted->handler && !accepted->configuration && !state.configured()) {
    std::shared_ptr<const ServerConfigurations> configurations;
    {
      const std::lock_guard lock(mutex_);
      configurations = configurations_;
    }
    if (configurations) accepted->configuration = configurations->find(incoming.server_name);
  }
  // A connection that is accepted without a configuration would never time out, so it is refused.
  const bool good =
      accepted && accepted->handler && (state.configured() || state.set_configuration(accepted->configuration).ok());
  if (!good) return QUIC_STATUS_CONNECTION_REFUSED;
  refused.state = nullptr;
  state.take_over(std::move(accepted->handler), deadlines);
  return QUIC_STATUS_SUCCESS;
}

}  // namespace msquic_py::quic

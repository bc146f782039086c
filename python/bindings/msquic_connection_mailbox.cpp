#include "msquic_connection_mailbox.h"

#include <array>

#include "msquic_connection.h"
#include "msquic_errors.h"
#include "msquic_listener.h"
#include "msquic_logging.h"
#include "msquic_session_ticket.h"
#include "msquic_stream.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::size_t kPeerStreamsKept = 16384;
constexpr std::size_t kDatagramsKept = 4096;
constexpr std::size_t kDatagramBytesKept = 4 * 1024 * 1024;
constexpr std::size_t kTicketsKept = 16;

PyObject* bytes_object(const base::ByteVector& bytes) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()), static_cast<Py_ssize_t>(bytes.size()));
}

}  // namespace

void ConnectionMailbox::push(ConnectionEvent kind, std::uint64_t first, std::uint64_t second) noexcept {
  queue_.push(Event{shared_from_this(), kind, first, second});
}

void ConnectionMailbox::on_connected(bool resumed, std::string_view) noexcept { push(kConnected, resumed ? 1 : 0); }

void ConnectionMailbox::on_shutdown_complete(const quic::CloseReason& reason) noexcept {
  {
    const std::lock_guard lock(mutex_);
    reason_ = reason;
  }
  push(kShutdownComplete);
}

void ConnectionMailbox::push_if_wanted(ConnectionEvent kind, std::uint64_t first) noexcept {
  if ((wanted_.load(std::memory_order_acquire) & (1u << kind)) != 0) push(kind, first);
}

void ConnectionMailbox::on_shutdown_initiated(const quic::CloseReason&) noexcept { push_if_wanted(kShutdownInitiated); }

void ConnectionMailbox::on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept {
  streams_available_.store(static_cast<std::uint32_t>(bidirectional) << 16 | unidirectional, std::memory_order_release);
  push_if_wanted(kStreamsAvailable);
}

void ConnectionMailbox::on_peer_needs_streams(quic::StreamDirection direction) noexcept {
  push_if_wanted(kPeerNeedsStreams, direction == quic::StreamDirection::Unidirectional ? 1 : 0);
}

void ConnectionMailbox::on_local_address_changed(const quic::Address&) noexcept {
  push_if_wanted(kLocalAddressChanged);
}
void ConnectionMailbox::on_peer_address_changed(const quic::Address&) noexcept { push_if_wanted(kPeerAddressChanged); }

std::shared_ptr<quic::StreamHandler> ConnectionMailbox::on_peer_stream(quic::Stream stream, bool) noexcept {
  std::shared_ptr<StreamMailbox> mailbox;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || peer_streams_.size() >= kPeerStreamsKept) return nullptr;
    mailbox = new_stream();
    peer_streams_.push_back({mailbox, std::move(stream)});
  }
  push(kPeerStreamStarted);
  return mailbox;
}

void ConnectionMailbox::on_datagram_state(bool send_enabled, std::uint16_t max_size) noexcept {
  push(kDatagramStateChanged, send_enabled ? 1 : 0, max_size);
}

void ConnectionMailbox::on_datagram_received(base::Bytes datagram, bool) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    datagrams_.emplace_back(datagram.begin(), datagram.end());
    datagram_bytes_ += datagram.size();
    // Nothing holds a sender of datagrams back: the oldest, which are worth least, make room.
    while (datagrams_.size() > kDatagramsKept || datagram_bytes_ > kDatagramBytesKept) {
      datagram_bytes_ -= datagrams_.front().size();
      datagrams_.pop_front();
      ++datagrams_dropped_;
    }
    if (std::exchange(datagrams_queued_, true)) return;
  }
  push(kDatagramReceived);
}

void ConnectionMailbox::on_datagram_room() noexcept { push_if_wanted(kDatagramRoom); }

void ConnectionMailbox::on_datagram_send_state(std::uint64_t token, quic::DatagramSendState state) noexcept {
  push(kDatagramSendStateChanged, static_cast<std::uint64_t>(state), token);
}

quic::CertificateDecision ConnectionMailbox::on_peer_certificate(const quic::PeerCertificate& certificate) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return quic::CertificateDecision::Reject;
    certificate_ =
        Shown{certificate.chain, certificate.server_name, certificate.verdict, std::chrono::steady_clock::now()};
  }
  push(kPeerCertificate);
  return quic::CertificateDecision::Pending;
}

bool ConnectionMailbox::on_resumed(base::Bytes application_data) noexcept {
  {
    const std::lock_guard lock(mutex_);
    resumed_.emplace_back(application_data.begin(), application_data.end());
  }
  push(kResumed);
  return true;
}

void ConnectionMailbox::on_resumption_ticket(base::Bytes ticket) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (tickets_.size() >= kTicketsKept) tickets_.pop_front();
    tickets_.emplace_back(ticket.begin(), ticket.end());
  }
  push(kResumptionTicketReceived);
}

void ConnectionMailbox::close() noexcept {
  std::deque<PeerStream> abandoned;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    abandoned.swap(peer_streams_);
    datagrams_.clear();
    datagram_bytes_ = 0;
  }
}

std::uint64_t ConnectionMailbox::datagrams_dropped() const noexcept {
  const std::lock_guard lock(mutex_);
  return datagrams_dropped_;
}

std::optional<quic::CloseReason> ConnectionMailbox::close_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

void ConnectionMailbox::replay(ConnectionEvent kind) noexcept {
  if (kind >= kStreamsAvailable && kind <= kShutdownInitiated) {
    wanted_.fetch_or(1u << kind, std::memory_order_acq_rel);
    if (kind == kStreamsAvailable && streams_available_.load(std::memory_order_acquire) != 0) push(kind);
    return;
  }
  if ((pending_ & (1u << kind)) == 0) return;
  if (kind != kShutdownComplete) pending_ &= ~(1u << kind);  // else setting it twice would tell it twice
  switch (kind) {
    case kConnected: return push(kind, resumed_session_ ? 1 : 0);
    case kEarlyData: return push(kind, early_data_accepted_ ? 1 : 0);
    case kDatagramStateChanged: return push(kind, datagram_send_enabled_, datagram_max_size_);
    default: return push(kind);
  }
}

void ConnectionMailbox::note(const Event& event) noexcept {
  if (event.kind == kConnected) resumed_session_ = event.first != 0;
  if (event.kind == kEarlyData) early_data_accepted_ = event.first != 0;
  if (event.kind == kDatagramStateChanged) {
    datagram_send_enabled_ = event.first;
    datagram_max_size_ = event.second;
  }
  if (event.kind == kShutdownComplete && !std::exchange(over_, true)) pending_ |= 1u << kShutdownComplete;
  if (event.kind == kDatagramReceived) {
    const std::lock_guard lock(mutex_);
    datagrams_queued_ = false;
  }
}

void ConnectionMailbox::dispatch(const Event& event) {
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) {
    note(event);
    if (event.kind != kShutdownComplete) pending_ |= 1u << event.kind;
    return;
  }
  deliver(event, owner);
  Py_DECREF(owner);
}

void ConnectionMailbox::deliver(const Event& event, PyObject* owner) {
  ConnectionObject& connection = *nb::inst_ptr<ConnectionObject>(owner);
  ObjectLock lock(owner);
  note(event);
  if (event.kind == kConnected && !std::exchange(open_logged_, true))
    log_connection_opened(owner, event.first != 0, connection.negotiated_alpn());
  if (event.kind == kShutdownComplete && !std::exchange(end_logged_, true))
    log_connection_ended(owner, connection.close_reason());
  if (event.kind == kShutdownComplete) {
    deliver_end(connection, lock);
  } else if (connection.is_closed()) {
    // close() promised that only on_shutdown_complete follows.
  } else if (event.kind == kDatagramSendStateChanged && event.second > ConnectionObject::kAnyDatagram) {
    if (!connection.deliver_datagram_state(lock, event.second, static_cast<quic::DatagramSendState>(event.first)))
      connection.fail();
  } else if (event.kind == kPeerCertificate) {
    pending_ &= ~(1u << kPeerCertificate);
    deliver_certificate(connection, lock, owner);
  } else if (!connection.handler(static_cast<ConnectionEvent>(event.kind))) {
    pending_ |= 1u << event.kind;
  } else {
    pending_ &= ~(1u << event.kind);
    const bool completed =
        event.kind == kPeerStreamStarted ? deliver_streams(connection, lock, owner) : deliver(connection, lock, event);
    if (!completed) connection.fail();
  }
}

bool ConnectionMailbox::deliver(ConnectionObject& connection, ObjectLock& lock, const Event& event) {
  const auto kind = static_cast<ConnectionEvent>(event.kind);
  switch (kind) {
    case kDatagramReceived: return deliver_bytes(connection, lock, kind, datagrams_);
    case kResumptionTicketReceived: return deliver_bytes(connection, lock, kind, tickets_);
    case kResumed: return deliver_bytes(connection, lock, kind, resumed_);
    default: break;
  }
  std::array<PyObject*, 2> arguments{};
  std::size_t count = 1;
  if (kind == kConnected || kind == kEarlyData) {
    arguments[0] = PyBool_FromLong(event.first != 0);
  } else if (kind == kStreamsAvailable) {
    const std::uint32_t available = streams_available_.load(std::memory_order_acquire);
    arguments = {PyLong_FromUnsignedLong(available >> 16), PyLong_FromUnsignedLong(available & 0xffff)};
    count = 2;
  } else if (kind == kPeerNeedsStreams) {
    arguments[0] = PyBool_FromLong(event.first != 0);
  } else if (kind == kLocalAddressChanged) {
    arguments[0] = address_tuple(connection.local_address()).release().ptr();
  } else if (kind == kPeerAddressChanged) {
    arguments[0] = address_tuple(connection.remote_address()).release().ptr();
  } else if (kind == kDatagramRoom) {
    arguments[0] = PyLong_FromUnsignedLongLong(connection.datagram_backlog().bytes);
  } else if (kind == kShutdownInitiated) {
    arguments[0] = close_exception(connection.close_reason()).release().ptr();
  } else if (kind == kDatagramStateChanged) {
    arguments = {PyBool_FromLong(event.first != 0), PyLong_FromUnsignedLongLong(event.second)};
    count = 2;
  } else {
    arguments[0] = ConnectionObject::datagram_send_state(static_cast<quic::DatagramSendState>(event.first));
  }
  return connection.handler(kind).call(lock, arguments.data(), count);
}

bool ConnectionMailbox::deliver_bytes(ConnectionObject& connection, ObjectLock& lock, ConnectionEvent kind,
                                      std::deque<base::ByteVector>& kept) {
  // A handler may take its own place away, and more may come meanwhile; what comes has an event of its own.
  for (std::size_t most = kDatagramsKept; most != 0 && connection.handler(kind); --most) {
    PyObject* argument = nullptr;
    base::ByteVector bytes;
    {
      const std::lock_guard inside(mutex_);
      if (kept.empty()) return true;
      if (&kept == &datagrams_) datagram_bytes_ -= kept.front().size();
      bytes = std::move(kept.front());
      kept.pop_front();
    }
    argument = kind == kResumptionTicketReceived ? session_ticket_object(bytes) : bytes_object(bytes);
    PyObject* const result = connection.handler(kind).call_for_result(lock, &argument, 1);
    if (result == nullptr) return false;
    const bool refused = kind == kResumed && result == Py_False;
    Py_DECREF(result);
    if (refused) {
      connection.refuse_session();
      return true;
    }
  }
  const bool wanted = static_cast<bool>(connection.handler(kind));
  const std::lock_guard inside(mutex_);
  if (!kept.empty()) {
    pending_ |= 1u << kind;
    if (wanted) push(kind);
  }
  return true;
}

bool ConnectionMailbox::deliver_streams(ConnectionObject& connection, ObjectLock& lock, PyObject* owner) {
  while (connection.handler(kPeerStreamStarted) && !connection.is_closed()) {
    PyObject* argument = nullptr;
    std::shared_ptr<StreamMailbox> mailbox;
    {
      PeerStream next;
      {
        const std::lock_guard inside(mutex_);
        if (peer_streams_.empty()) return true;
        next = std::move(peer_streams_.front());
        peer_streams_.pop_front();
      }
      mailbox = next.mailbox;
      argument =
          make_instance<StreamObject>(nb::borrow<nb::object>(owner), mailbox, std::move(next.stream)).release().ptr();
    }
    StreamObject& stream = *nb::inst_ptr<StreamObject>(argument);
    mailbox->owner().attach(argument);
    connection.hold_stream(stream);
    const bool completed = connection.handler(kPeerStreamStarted).call(lock, &argument, 1);
    // It ended before its object was made: the object is told now, after the data that its handler may want.
    if (mailbox->is_over()) mailbox->push(kStreamShutdownComplete);
    if (!completed) return false;
  }
  const std::lock_guard inside(mutex_);
  if (!peer_streams_.empty()) pending_ |= 1u << kPeerStreamStarted;
  return true;
}

void ConnectionMailbox::deliver_end(ConnectionObject& connection, ObjectLock& lock) {
  const HandlerSlot& handler = connection.handler(kShutdownComplete);
  if (handler && (pending_ & (1u << kShutdownComplete)) != 0) {
    pending_ &= ~(1u << kShutdownComplete);
    PyObject* argument = PyBool_FromLong(connection.is_closed());
    static_cast<void>(handler.call(lock, &argument, 1));
  }
  connection.finish();
  if (const auto listener = listener_.lock()) listener->connection_is_over(*this);
}

}  // namespace msquic_py::python

#include "msquic_async_connection_mailbox.h"

#include <algorithm>

#include "msquic_async_connection.h"
#include "msquic_async_listener.h"
#include "msquic_logging.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::uint64_t kFlood = 16;  // times the backlog of streams
constexpr std::size_t kDatagramsKept = 4096;
constexpr std::size_t kDatagramBytesKept = 4 * 1024 * 1024;
constexpr std::uint16_t kSaturated = 0xFFFF;  // MsQuic's count of available streams ends here
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

constexpr std::uint32_t bit(AsyncConnectionWait wait) noexcept { return std::uint32_t{1} << wait; }
constexpr std::uint32_t kAllWaits = (std::uint32_t{1} << kAsyncConnectionWaits) - 1;

}  // namespace

std::shared_ptr<AsyncConnectionMailbox> AsyncConnectionMailbox::create(std::shared_ptr<AsyncQueue> queue,
                                                                       const AsyncLimits& limits,
                                                                       std::weak_ptr<AsyncListenerMailbox> listener) {
  auto context = std::make_shared<AsyncStreamContext>();
  context->queue = std::move(queue);
  context->read_limit = limits.read;
  context->held_limit = limits.connection_read;
  auto mailbox = std::make_shared<AsyncConnectionMailbox>(context, std::move(listener), limits.streams);
  context->sent_listener = mailbox;
  return mailbox;
}

void AsyncConnectionMailbox::tell(std::uint32_t waits) noexcept {
  for (std::uint32_t wait = 0; wait != kAsyncConnectionWaits; ++wait) {
    if ((waits >> wait & 1) != 0) push(wait);
  }
}

bool AsyncConnectionMailbox::announce() noexcept {
  const std::lock_guard lock(mutex_);
  return !std::exchange(announced_, true);
}

void AsyncConnectionMailbox::hand_out() noexcept {
  const auto listener = listener_.lock();
  if (listener && announce()) listener->hand_out(std::static_pointer_cast<AsyncConnectionMailbox>(shared_from_this()));
}

void AsyncConnectionMailbox::on_connected(bool resumed, std::string_view) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
    opening_untold_ = connections_are_logged();
    resumed_ = resumed;
    waits = disarm(bit(kWaitConnected));
  }
  tell(waits);
  hand_out();
  if (connections_are_logged()) push(kToLog);  // after what makes the object of a server's connection
}

void AsyncConnectionMailbox::on_shutdown_initiated(const quic::CloseReason&) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    // Nothing new can begin, so nobody waits for it in vain until the last packet is acknowledged.
    waits = disarm(bit(kWaitBidirectionalCredit) | bit(kWaitUnidirectionalCredit) | bit(kWaitPeerStream) |
                   bit(kWaitDatagramRoom));
  }
  tell(waits);
}

void AsyncConnectionMailbox::on_shutdown_complete(const quic::CloseReason& reason) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    end_untold_ = connections_are_logged();
    reason_ = reason;
    waits = disarm(kAllWaits);
  }
  if (connections_are_logged()) push(kToLog);  // before what lets go of the object
  if (const auto listener = listener_.lock()) listener->connection_is_over(*this);
  tell(waits);
}

std::shared_ptr<quic::StreamHandler> AsyncConnectionMailbox::on_peer_stream(quic::Stream stream,
                                                                            bool early_data) noexcept {
  const auto direction = static_cast<std::size_t>(stream.direction());
  std::shared_ptr<AsyncStreamMailbox> mailbox;
  std::uint32_t waits = 0;
  bool flooded = false;
  {
    const std::lock_guard lock(mutex_);
    // Beyond the backlog a stream takes no bytes, so that it stays open and the peer runs into its stream limit, or its
    // window. Only streams without bytes come so far that nothing else holds the peer back.
    const std::size_t waiting = peer_streams_.size();
    flooded = waiting >= kFlood * stream_backlog_;
    if (!flooded) {
      mailbox = std::make_shared<AsyncStreamMailbox>(streams_, direction, waiting < stream_backlog_);
      peer_streams_.push_back({mailbox, std::move(stream), early_data});
      waits = disarm(bit(kWaitPeerStream));
    } else if (std::exchange(flooded_, true)) {
      return nullptr;
    }
  }
  if (flooded) {
    push(kFlooded);
    return nullptr;
  }
  tell(waits);
  if (early_data) hand_out();
  return mailbox;
}

void AsyncConnectionMailbox::on_streams_available(std::uint16_t bidirectional, std::uint16_t unidirectional) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::uint16_t available[2] = {bidirectional, unidirectional};
    for (const std::size_t direction : {std::size_t{0}, std::size_t{1}}) {
      // Streams are started in this very thread, so the two numbers are of the same moment.
      const std::uint64_t total =
          available[direction] == kSaturated
              ? kUnlimited
              : streams_->started[direction].load(std::memory_order_acquire) + available[direction];
      credit_[direction].store(std::max(credit(direction), total), std::memory_order_release);
    }
    waits = disarm(bit(kWaitBidirectionalCredit) | bit(kWaitUnidirectionalCredit));
  }
  tell(waits);
}

void AsyncConnectionMailbox::on_datagram_received(base::Bytes datagram, bool) noexcept {
  base::SharedBytes copy = streams_->arena.copy(datagram);
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    datagrams_.push_back(std::move(copy));
    datagram_bytes_ += datagram.size();
    // Nothing holds a sender of datagrams back: the oldest, which are worth least, make room.
    while (datagrams_.size() > kDatagramsKept || datagram_bytes_ > kDatagramBytesKept) {
      datagram_bytes_ -= datagrams_.front().size();
      datagrams_.pop_front();
      ++datagrams_dropped_;
    }
    waits = disarm(bit(kWaitDatagram));
  }
  tell(waits);
}

void AsyncConnectionMailbox::on_datagram_room() noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    waits = disarm(bit(kWaitDatagramRoom));
  }
  tell(waits);
}

void AsyncConnectionMailbox::on_datagram_send_state(std::uint64_t token, quic::DatagramSendState state) noexcept {
  if (quic::is_final(state)) push(kDatagramFate, token, static_cast<std::uint64_t>(state));
}

quic::CertificateDecision AsyncConnectionMailbox::on_peer_certificate(
    const quic::PeerCertificate& certificate) noexcept {
  {
    const std::lock_guard lock(mutex_);
    certificate_ = ShownCertificate{certificate.chain, certificate.server_name, certificate.verdict};
  }
  push(kCertificate);
  return quic::CertificateDecision::Pending;
}

std::optional<AsyncConnectionMailbox::ShownCertificate> AsyncConnectionMailbox::take_certificate() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(certificate_, std::nullopt);
}

void AsyncConnectionMailbox::on_early_data(bool accepted) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    early_data_accepted_ = accepted;
    waits = disarm(bit(kWaitEarlyData));
  }
  tell(waits);
}

bool AsyncConnectionMailbox::on_resumed(base::Bytes application_data) noexcept {
  const std::lock_guard lock(mutex_);
  resumed_ = true;  // early streams come before the handshake is complete, and show the connection to a handler
  resumption_data_.assign(application_data.begin(), application_data.end());
  return true;
}

void AsyncConnectionMailbox::on_resumption_ticket(base::Bytes ticket) noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket_.emplace(ticket.begin(), ticket.end());
    waits = disarm(bit(kWaitTicket));
  }
  tell(waits);
}

bool AsyncConnectionMailbox::arm(AsyncConnectionWait wait, std::uint64_t opened) noexcept {
  const std::lock_guard lock(mutex_);
  bool already = over_;
  switch (wait) {
    case kWaitConnected: already = already || connected_; break;
    case kWaitPeerStream: already = already || !peer_streams_.empty(); break;
    case kWaitDatagram: already = already || !datagrams_.empty(); break;
    case kWaitBidirectionalCredit: already = already || credit(0) > opened; break;
    case kWaitUnidirectionalCredit: already = already || credit(1) > opened; break;
    case kWaitTicket: already = already || ticket_.has_value(); break;
    case kWaitEarlyData: already = already || early_data_accepted_.has_value(); break;
    case kWaitSent:
      streams_->sent_armed.store(true);
      already = already || streams_->sending.load() == 0;
      break;
    default: break;
  }
  if (already) return false;
  armed_ |= bit(wait);
  return true;
}

void AsyncConnectionMailbox::on_all_sent() noexcept {
  std::uint32_t waits = 0;
  {
    const std::lock_guard lock(mutex_);
    waits = disarm(bit(kWaitSent));
  }
  tell(waits);
}

std::optional<AsyncConnectionMailbox::PeerStream> AsyncConnectionMailbox::take_peer_stream() noexcept {
  const std::lock_guard lock(mutex_);
  if (peer_streams_.empty()) return std::nullopt;
  std::optional<PeerStream> stream(std::move(peer_streams_.front()));
  peer_streams_.pop_front();
  return stream;
}

void AsyncConnectionMailbox::take_datagrams(std::deque<base::SharedBytes>& datagrams) noexcept {
  const std::lock_guard lock(mutex_);
  datagrams.swap(datagrams_);
  datagram_bytes_ = 0;
}

std::uint64_t AsyncConnectionMailbox::datagrams_dropped() const noexcept {
  const std::lock_guard lock(mutex_);
  return datagrams_dropped_;
}

std::optional<base::ByteVector> AsyncConnectionMailbox::newest_ticket() const {
  const std::lock_guard lock(mutex_);
  return ticket_;
}

base::ByteVector AsyncConnectionMailbox::resumption_data() const {
  const std::lock_guard lock(mutex_);
  return resumption_data_;
}

bool AsyncConnectionMailbox::is_connected() const noexcept {
  const std::lock_guard lock(mutex_);
  return connected_;
}

bool AsyncConnectionMailbox::is_resumed() const noexcept {
  const std::lock_guard lock(mutex_);
  return resumed_;
}

std::optional<bool> AsyncConnectionMailbox::early_data_accepted() const noexcept {
  const std::lock_guard lock(mutex_);
  return early_data_accepted_;
}

bool AsyncConnectionMailbox::is_over() const noexcept {
  const std::lock_guard lock(mutex_);
  return over_;
}

std::optional<quic::CloseReason> AsyncConnectionMailbox::close_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

void AsyncConnectionMailbox::tell_log(PyObject* owner) {
  bool opened = false;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    opened = std::exchange(opening_untold_, false);
    ended = std::exchange(end_untold_, false);
  }
  AsyncConnectionObject& connection = *nb::inst_ptr<AsyncConnectionObject>(owner);
  if (opened) log_connection_opened(owner, is_resumed(), connection.connection().negotiated_alpn());
  if (ended) log_connection_ended(owner, connection.close_reason());
}

void AsyncConnectionMailbox::dispatch(const Event& event) {
  PyObject* owner = owner_.lock();
  if (owner == nullptr && event.kind == kCertificate) {
    // A client's certificate comes before its connection is handed out.
    if (const auto listener = listener_.lock()) owner = listener->object_of(*this);
  }
  if (owner == nullptr) return;
  AsyncConnectionObject& connection = *nb::inst_ptr<AsyncConnectionObject>(owner);
  if (!streams_->queue->is_closed()) {
    if (event.kind == kDatagramFate) {
      connection.settle_datagram(event.first, static_cast<quic::DatagramSendState>(event.second));
    } else if (event.kind == kCertificate) {
      connection.judge_certificate();
    } else if (event.kind == kToLog) {
      tell_log(owner);
    } else if (event.kind == kFlooded) {
      nb::handle(owner).attr("_flooded")();
    } else {
      connection.wake(static_cast<AsyncConnectionWait>(event.kind));
    }
  }
  Py_DECREF(owner);
}

}  // namespace msquic_py::python

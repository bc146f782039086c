#include <algorithm>

#include "msquic_arguments.h"
#include "msquic_async_connection.h"
#include "msquic_async_stream.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_handler_slot.h"
#include "msquic_logging.h"
#include "msquic_registration.h"
#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

/// A new instance of a Python class derived from the bound class `Object`.
template <class Object, class... Arguments>
nb::object make_derived(nb::handle type, Arguments&&... arguments) {
  nb::object instance = nb::inst_alloc(type);
  new (nb::inst_ptr<Object>(instance)) Object(std::forward<Arguments>(arguments)...);
  nb::inst_mark_ready(instance);
  return instance;
}

}  // namespace

AsyncConnectionObject::AsyncConnectionObject(nb::object channel, nb::handle registration, AsyncLimits limits)
    : channel_(std::move(channel)),
      mailbox_(AsyncConnectionMailbox::create(this->channel().queue(), limits)),
      limits_(limits) {
  refresh_connection_logging();
  connection_ = or_raise(quic::Connection::open(RegistrationObject::open_handle(registration), mailbox_));
  this->channel().add(*this);
}

AsyncConnectionObject::AsyncConnectionObject(nb::object channel, nb::object configuration,
                                             std::shared_ptr<AsyncConnectionMailbox> mailbox,
                                             quic::Connection connection, AsyncLimits limits)
    : channel_(std::move(channel)),
      configuration_(std::move(configuration)),
      mailbox_(std::move(mailbox)),
      connection_(std::move(connection)),
      limits_(limits) {
  this->channel().add(*this);
}

AsyncConnectionObject::~AsyncConnectionObject() {
  mailbox_->owner().detach();
  channel().remove(*this);
  for (const auto& [token, future] : tracked_) Py_DECREF(future);
}

void AsyncConnectionObject::start(nb::handle configuration, const std::string& server_name, const std::string& address,
                                  std::uint16_t port, nb::handle local_address, nb::handle ticket) {
  const quic::Configuration native = ConfigurationObject::loaded(configuration);
  if (!local_address.is_none()) {
    or_raise(connection_.set_local_address(local_address_argument(local_address)));
  }
  if (!ticket.is_none()) {
    const HeldBuffer buffer(ticket, "ticket");
    or_raise(connection_.set_resumption_ticket(buffer.bytes()));
  }
  if (ConfigurationObject::has_verifier(configuration)) configuration_ = nb::borrow<nb::object>(configuration);
  or_raise(connection_.start(native, server_name, address_argument(address, port, "address")));
}

bool AsyncConnectionObject::wait(AsyncConnectionWait wait, nb::handle future) {
  check_thread();
  const bool credit = wait == kWaitBidirectionalCredit || wait == kWaitUnidirectionalCredit;
  if (wait == kWaitSent) channel().flush();
  if (!mailbox_->arm(wait, credit ? opened_[wait - kWaitBidirectionalCredit] : 0)) return false;
  // There may have been room again before it was armed.
  if (wait == kWaitDatagramRoom && (is_closing() || connection_.datagram_backlog().has_room)) return false;
  waiters_[wait].add(future);
  channel().hold(*this);
  return true;
}

void AsyncConnectionObject::wake(AsyncConnectionWait wait) noexcept {
  AsyncWaiters& waiters = waiters_[wait];
  const bool credit = wait == kWaitBidirectionalCredit || wait == kWaitUnidirectionalCredit;
  if (!credit || is_closing()) {
    waiters.wake_all(channel().ready());
  } else {
    // As many as can go on; the others wait for more.
    const std::size_t direction = wait - kWaitBidirectionalCredit;
    const std::uint64_t total = mailbox_->credit(direction);
    const std::uint64_t available = total - std::min(total, opened_[direction]);
    waiters.wake(static_cast<std::size_t>(std::min<std::uint64_t>(available, SIZE_MAX)), channel().ready());
    if (waiters.has_waiting() && !mailbox_->arm(wait, total)) waiters.wake_all(channel().ready());
  }
  let_go();
}

void AsyncConnectionObject::let_go() noexcept {
  if (!tracked_.empty()) return;
  for (const AsyncWaiters& waiters : waiters_) {
    if (!waiters.empty()) return;
  }
  channel().release(*this);
}

void AsyncConnectionObject::forget(AsyncConnectionWait wait, nb::handle future, bool woken) noexcept {
  // The garbage collector ends a coroutine on any thread.
  if (channel().is_elsewhere()) {
    return channel().call_there(self(), "_forget", static_cast<std::uint32_t>(wait), future, woken);
  }
  waiters_[wait].forget(future);
  if (woken) waiters_[wait].wake(1, channel().ready());
  let_go();
}

nb::object AsyncConnectionObject::new_stream(nb::handle self, std::shared_ptr<AsyncStreamMailbox> mailbox,
                                             quic::Stream stream, std::uint64_t id, bool early_data) {
  AsyncStreamMailbox& events = *mailbox;
  nb::object object = make_derived<AsyncStreamObject>(channel().stream_type(), nb::borrow<nb::object>(self),
                                                      std::move(mailbox), std::move(stream), id, early_data);
  nb::inst_ptr<AsyncStreamObject>(object)->set_self(object);
  events.owner().attach(object);
  return object;
}

nb::object AsyncConnectionObject::open_stream(nb::handle self, bool unidirectional, bool early_data) {
  check_thread();
  if (is_closing()) raise_closed();
  const std::size_t direction = unidirectional ? 1 : 0;
  // Early data can't wait for the server to say how many streams it admits; MsQuic knows what the ticket says.
  const bool before_handshake = early_data && !mailbox_->is_connected();
  if (!before_handshake && mailbox_->credit(direction) <= opened_[direction]) return nb::none();
  auto mailbox = std::make_shared<AsyncStreamMailbox>(mailbox_->streams(), direction);
  auto opened = connection_.open_stream(
      unidirectional ? quic::StreamDirection::Unidirectional : quic::StreamDirection::Bidirectional, mailbox,
      early_data);
  if (!opened) {
    if (is_closing()) raise_closed();
    raise_error(opened.error());
  }
  // RFC 9000 section 2.1. Streams start in the order in which they are opened here.
  const std::uint64_t id = opened_[direction]++ << 2 | (unidirectional ? 2 : 0) | (connection_.is_server() ? 1 : 0);
  nb::object stream = new_stream(self, std::move(mailbox), std::move(opened).value(), id, early_data);
  nb::inst_ptr<AsyncStreamObject>(stream)->mark_dirty();
  return stream;
}

nb::object AsyncConnectionObject::take_peer_stream(nb::handle self) {
  check_thread();
  auto next = mailbox_->take_peer_stream();
  if (!next) {
    if (is_closing()) raise_closed();
    return nb::none();
  }
  const std::uint64_t id = next->stream.id().value_or(0);
  if (next->mailbox->admit()) static_cast<void>(next->stream.resume_receive());
  return new_stream(self, std::move(next->mailbox), std::move(next->stream), id, next->early_data);
}

nb::object AsyncConnectionObject::take_datagram() {
  guard_thread();
  if (datagrams_.empty()) mailbox_->take_datagrams(datagrams_);
  if (datagrams_.empty()) {
    if (is_closing()) raise_closed();
    return nb::none();
  }
  const base::SharedBytes& oldest = datagrams_.front();
  nb::bytes datagram(reinterpret_cast<const char*>(oldest.data()), oldest.size());
  datagrams_.pop_front();
  return datagram;
}

void AsyncConnectionObject::send_datagram(nb::handle data, bool priority, bool cancel_on_blocked, nb::handle future) {
  check_thread();
  const HeldBuffer buffer(data, "data");
  const base::SharedBytes copy = channel().arena().copy(buffer.bytes());
  using Flags = quic::DatagramSendFlags;
  const Flags flags =
      (priority ? Flags::Priority : Flags::None) | (cancel_on_blocked ? Flags::CancelOnBlocked : Flags::None);
  const std::uint64_t token = future.is_none() ? 0 : ++next_token_;
  if (token != 0) {
    tracked_.emplace(token, future.inc_ref().ptr());
    channel().hold(*this);
  }
  const auto sent = connection_.send_datagram({&copy, 1}, token, flags);
  if (sent) return;
  if (token != 0) {
    tracked_.erase(token);
    future.dec_ref();
    let_go();
  }
  if (is_closing() && sent.error().status == quic::Status::DatagramUnavailable) raise_closed();
  raise_error(sent.error());
}

void AsyncConnectionObject::settle_datagram(std::uint64_t token, quic::DatagramSendState state) noexcept {
  const auto found = tracked_.find(token);
  if (found == tracked_.end()) return;
  PyObject* const future = found->second;
  tracked_.erase(found);
  PyObject* const number = PyLong_FromLong(static_cast<long>(state) + 1);  // UNKNOWN is 0 in msquic.enums
  settle_future(future, number, channel().ready());
  Py_XDECREF(number);
  let_go();
}

void AsyncConnectionObject::send_ticket(nb::handle data) {
  check_thread();
  const HeldBuffer buffer(data, "data");
  or_raise(connection_.send_resumption_ticket(buffer.bytes()));
}

void AsyncConnectionObject::shutdown(std::uint64_t code, const std::string& reason) {
  check_thread();
  if (!is_closing()) channel().flush();  // what was written counts as sent before
  closing_ = true;
  or_raise(connection_.shutdown(code, reason));
}

bool AsyncConnectionObject::begin_close(std::uint64_t code, const std::string& reason) {
  check_thread();
  if (is_closing()) return false;
  channel().flush();
  if (mailbox_->streams()->sending.load() == 0) {
    shutdown(code, reason);
    return false;
  }
  closing_ = true;
  for (const AsyncConnectionWait wait : {kWaitPeerStream, kWaitDatagram, kWaitBidirectionalCredit,
                                         kWaitUnidirectionalCredit, kWaitTicket, kWaitEarlyData}) {
    waiters_[wait].wake_all(channel().ready());
  }
  let_go();
  return true;
}

void AsyncConnectionObject::end_with_loop() noexcept {
  if (connection_.is_closing()) return;
  const bool forgotten = !std::exchange(closing_, true);
  static_cast<void>(connection_.shutdown(0));
  if (forgotten && PyErr_ResourceWarning(self(), 1, "unclosed %s: its event loop was closed", describe().c_str()) != 0)
    PyErr_WriteUnraisable(self());
}

void AsyncConnectionObject::judge_certificate() {
  auto shown = mailbox_->take_certificate();
  if (!shown) return;
  std::chrono::milliseconds timeout{0};
  const nb::object verifier =
      nb::steal(configuration_.is_valid() ? ConfigurationObject::verifier_of(configuration_, timeout) : nullptr);
  if (!verifier.is_valid()) {  // it was taken away meanwhile
    static_cast<void>(connection_.complete_certificate(shown->verdict.good(), shown->verdict.message));
    return;
  }
  const nb::object certificate =
      nb::steal(peer_certificate_object(shown->chain, shown->server_name, shown->verdict, self()));
  if (!certificate.is_valid()) nb::raise_python_error();
  nb::handle(self()).attr("_judge")(verifier, certificate);
}

quic::CloseReason AsyncConnectionObject::close_reason() const {
  return mailbox_->close_reason().value_or(connection_.close_reason());
}

void AsyncConnectionObject::raise_closed() const {
  const nb::object error = close_exception(close_reason());
  if (error.is_none()) raise_named("ConnectionClosed", "this side closed the connection");
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

bool AsyncConnectionObject::ended_in_order() const {
  if (!is_closing()) return false;
  using Cause = quic::CloseReason::Cause;
  const quic::CloseReason reason = close_reason();
  return reason.cause == Cause::None || reason.cause == Cause::LocalApplication ||
         (reason.cause == Cause::PeerApplication && reason.code == 0);
}

std::string AsyncConnectionObject::describe() const {
  std::string text = connection_.is_server() ? "<Connection from " : "<Connection to ";
  text += connection_.remote_address().to_string();
  if (is_over()) return text + " over>";
  if (is_closing()) return text + " closing>";
  return text + (mailbox_->is_connected() ? " connected>" : " connecting>");
}

int AsyncConnectionObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(channel_.ptr());
  Py_VISIT(configuration_.ptr());
  for (const AsyncWaiters& waiters : waiters_) {
    if (const int result = waiters.traverse(visit, arg)) return result;
  }
  for (const auto& [token, future] : tracked_) Py_VISIT(future);
  return 0;
}

void AsyncConnectionObject::clear_references() noexcept {
  for (AsyncWaiters& waiters : waiters_) waiters.clear();
  auto tracked = std::move(tracked_);
  tracked_.clear();
  for (const auto& [token, future] : tracked) Py_DECREF(future);
}

}  // namespace msquic_py::python

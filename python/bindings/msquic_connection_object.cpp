#include "base/shared_bytes.h"
#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "msquic_arguments.h"
#include "msquic_configuration.h"
#include "msquic_connection.h"
#include "msquic_errors.h"
#include "msquic_flags.h"
#include "msquic_registration.h"

namespace nb = nanobind;

namespace msquic_py::python {

ConnectionObject::ConnectionObject(nb::object registration)
    : registration_(std::move(registration)),
      mailbox_(std::make_shared<ConnectionMailbox>(Dispatcher::queue())),
      server_(false) {
  connection_ = or_raise(quic::Connection::open(RegistrationObject::open_handle(registration_), mailbox_));
}

ConnectionObject::ConnectionObject(nb::object registration, nb::object configuration,
                                   std::shared_ptr<ConnectionMailbox> mailbox, quic::Connection connection)
    : registration_(std::move(registration)),
      configuration_(std::move(configuration)),
      mailbox_(std::move(mailbox)),
      connection_(std::move(connection)),
      server_(true),
      started_(true) {}

ConnectionObject::~ConnectionObject() { mailbox_->owner().detach(); }

void ConnectionObject::start(nb::handle configuration, nb::handle server_name, nb::handle port, nb::handle address,
                             nb::handle local_address) {
  const quic::Configuration native = ConfigurationObject::loaded(configuration);
  const std::string name = host_argument(server_name, "server_name");
  const auto number = static_cast<std::uint16_t>(unsigned_argument(port, "port", 65535));
  if (!local_address.is_none()) or_raise(connection_.set_local_address(local_address_argument(local_address)));
  // Before the start: the certificate may come at once.
  if (ConfigurationObject::has_verifier(configuration)) verifying_ = nb::borrow<nb::object>(configuration);
  if (address.is_none()) {
    or_raise(connection_.start(native, name, number));
  } else {
    const std::string literal = text_argument(address, "address");
    or_raise(connection_.start(native, name, address_argument(literal, number, "address")));
  }
  started_ = true;
}

void ConnectionObject::set_configuration(nb::handle configuration) {
  static_cast<void>(ConfigurationObject::loaded(configuration));
  if (configuration_.is_valid() && configuration.ptr() == configuration_.ptr()) return;
  raise_named("InvalidState", server_
                                  ? "the connection already has the configuration of its listener: give another one to "
                                    "Listener.start()"
                                  : "a client connection gets its configuration with start()");
}

void ConnectionObject::shutdown(unsigned flags, std::uint64_t code, const std::string& reason) {
  if (!connection_) return;  // it is over
  or_raise((flags & connection_shutdown_flag::kSilent) != 0 ? connection_.shutdown_silently()
                                                            : connection_.shutdown(code, reason));
}

nb::object ConnectionObject::open_stream(nb::handle self, unsigned flags) {
  auto mailbox = mailbox_->new_stream();
  const bool unidirectional = (flags & stream_open_flag::kUnidirectional) != 0;
  quic::Stream stream = or_raise(connection_.open_stream(
      unidirectional ? quic::StreamDirection::Unidirectional : quic::StreamDirection::Bidirectional, mailbox,
      (flags & stream_open_flag::kZeroRtt) != 0));
  nb::object object = make_instance<StreamObject>(nb::borrow<nb::object>(self), mailbox, std::move(stream));
  mailbox->owner().attach(object);
  return object;
}

void ConnectionObject::send_datagram(nb::handle data, unsigned flags, nb::handle on_state) {
  const HeldBuffer held(data, "data");
  const base::SharedBytes bytes = base::SharedBytes::copy_of(held.bytes());
  if (on_state.is_none()) {
    // The token asks for the states; who has no handler for them does not pay for them.
    const std::uint64_t token = handlers_[kDatagramSendStateChanged] ? kAnyDatagram : 0;
    or_raise(connection_.send_datagram({&bytes, 1}, token, native_datagram_flags(flags)));
    return;
  }
  if (PyCallable_Check(on_state.ptr()) == 0) raise_named("InvalidHandler", "on_state must be a callable or None");
  const std::uint64_t token = ++last_datagram_;
  datagram_handlers_.emplace(token, nb::borrow<nb::object>(on_state));  // before the first state can come
  auto sent = connection_.send_datagram({&bytes, 1}, token, native_datagram_flags(flags));
  if (!sent) datagram_handlers_.erase(token);
  or_raise(std::move(sent));
}

bool ConnectionObject::deliver_datagram_state(ObjectLock& lock, std::uint64_t token, quic::DatagramSendState state) {
  const auto found = datagram_handlers_.find(token);
  if (found == datagram_handlers_.end()) return true;
  // Not owned by an object of this frame, see EventTarget::dispatch().
  PyObject* handler = nullptr;
  if (quic::is_final(state)) {
    handler = found->second.release().ptr();
    datagram_handlers_.erase(found);
  } else {
    handler = found->second.inc_ref().ptr();
  }
  PyObject* argument = datagram_send_state(state);
  lock.unlock();
  const bool completed = call_handler(handler, &argument, 1);
  Py_DECREF(handler);
  lock.lock();
  return completed;
}

void ConnectionObject::send_resumption_ticket(unsigned flags, nb::handle data) {
  const HeldBuffer held(data, "data");
  or_raise(connection_.send_resumption_ticket(held.bytes(), (flags & resumption_flag::kFinal) != 0));
}

void ConnectionObject::set_resumption_ticket(nb::handle ticket) {
  const HeldBuffer held(ticket, "ticket");
  or_raise(connection_.set_resumption_ticket(held.bytes()));
}

void ConnectionObject::close() noexcept {
  if (closed_ || is_over()) return;
  closed_ = true;
  mailbox_->close();
  if (connection_) static_cast<void>(connection_.shutdown(0));
  give_up_handle();
  const auto gone = std::move(datagram_handlers_);  // may run Python code, which may come back here
  datagram_handlers_.clear();
}

void ConnectionObject::give_up_handle() noexcept {
  if (!connection_) return;
  last_ = {connection_.local_address(),       connection_.remote_address(),
           connection_.server_name(),         connection_.negotiated_alpn(),
           connection_.handshake(),           connection_.original_destination_cid(),
           connection_.close_reason(),        connection_.peer_certificate_chain(),
           connection_.early_data_accepted(), connection_.datagram_backlog()};
  last_.datagrams.count = last_.datagrams.bytes = 0;
  connection_ = {};
}

void ConnectionObject::set_handler(ConnectionEvent which, nb::handle handler) {
  static constexpr HandlerShape kShapes[kConnectionEventCount] = {
      {"set_on_connected", {"resumed", nullptr}, true},
      {"set_on_peer_stream_started", {"stream", nullptr}},
      {"set_on_datagram_state_changed", {"send_enabled", "max_send_length"}},
      {"set_on_datagram_received", {"data", nullptr}},
      {"set_on_datagram_send_state_changed", {"state", nullptr}},
      {"set_on_resumption_ticket_received", {"ticket", nullptr}},
      {"set_on_resumed", {"data", nullptr}, true},
      {"set_on_early_data", {"accepted", nullptr}},
      {"set_on_streams_available", {"bidirectional", "unidirectional"}},
      {"set_on_peer_needs_streams", {"unidirectional", nullptr}},
      {"set_on_local_address_changed", {"address", nullptr}},
      {"set_on_peer_address_changed", {"address", nullptr}},
      {"set_on_datagram_room", {"bytes_waiting", nullptr}, true},
      {"set_on_shutdown_initiated", {"error", nullptr}},
      {"set_on_shutdown_complete", {"app_close_in_progress", nullptr}},
  };
  handlers_[which].set(handler, kShapes[which]);
  if (handlers_[which]) mailbox_->replay(which);
}

quic::CloseReason ConnectionObject::close_reason() const {
  if (auto reason = mailbox_->close_reason()) return *reason;
  return connection_ ? connection_.close_reason() : last_.reason;
}

std::string ConnectionObject::describe() const {
  std::string text = "<Connection " + std::string(server_ ? "server" : "client");
  const std::string peer =
      remote_address().family() == quic::Address::Family::Unspecified ? server_name() : remote_address().to_string();
  if (!peer.empty()) text += (server_ ? " from " : " to ") + peer;
  if (is_over()) return text + " over>";
  if (closed_) return text + " closed>";
  if (connection_.is_closing()) return text + " closing>";
  return text + (!started_ ? " not started>" : !handshake() ? " connecting>" : " connected>");
}

void ConnectionObject::fail() noexcept {
  if (connection_) static_cast<void>(connection_.shutdown(kHandlerErrorCode, "exception in a handler"));
}

void ConnectionObject::refuse_session() noexcept {
  if (closed_ || is_over()) return;
  closed_ = true;
  mailbox_->close();
  if (connection_) static_cast<void>(connection_.shutdown(kHandlerErrorCode, "the session is not resumed"));
  give_up_handle();
}

void ConnectionObject::finish() noexcept {
  give_up_handle();
  for (HandlerSlot& handler : handlers_) handler.clear();
  const auto gone = std::move(datagram_handlers_);
  datagram_handlers_.clear();
}

void ConnectionObject::hold_stream(StreamObject& stream) {
  streams_.try_emplace(stream.mailbox().get(), nb::find(stream));
}

void ConnectionObject::release_stream(StreamObject& stream) noexcept {
  const auto found = streams_.find(stream.mailbox().get());
  if (found == streams_.end()) return;
  const nb::object last = std::move(found->second);  // its destructor may run Python code, which may come back here
  streams_.erase(found);
}

PyObject* ConnectionObject::datagram_send_state(quic::DatagramSendState state) {
  PyObject* const module = PyImport_ImportModule("msquic.enums");
  if (module == nullptr) return nullptr;
  // MsQuic's numbers begin with UNKNOWN.
  PyObject* const value = PyObject_CallMethod(module, "DatagramSendState", "i", static_cast<int>(state) + 1);
  Py_DECREF(module);
  return value;
}

int ConnectionObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(registration_.ptr());
  Py_VISIT(configuration_.ptr());
  Py_VISIT(verifying_.ptr());
  for (const HandlerSlot& handler : handlers_) {
    if (const int result = handler.traverse(visit, arg)) return result;
  }
  for (const auto& [mailbox, stream] : streams_) Py_VISIT(stream.ptr());
  for (const auto& [token, handler] : datagram_handlers_) Py_VISIT(handler.ptr());
  return 0;
}

void ConnectionObject::clear_references() noexcept {
  for (HandlerSlot& handler : handlers_) handler.clear();
  const auto streams = std::move(streams_);
  streams_.clear();
  const auto datagrams = std::move(datagram_handlers_);
  datagram_handlers_.clear();
}

}  // namespace msquic_py::python

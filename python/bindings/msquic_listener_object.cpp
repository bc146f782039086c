#include "dispatch_exit.h"
#include "dispatch_thread.h"
#include "msquic_arguments.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_listener.h"
#include "msquic_logging.h"
#include "msquic_registration.h"
#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {
namespace {

constexpr std::size_t kBacklog = 1024;

}  // namespace

std::optional<quic::AcceptedConnection> ListenerMailbox::on_new_connection(
    const quic::NewConnection& connection) noexcept {
  quic::AcceptedConnection accepted;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || accepted_.size() >= kBacklog) return std::nullopt;
    auto mailbox =
        std::make_shared<ConnectionMailbox>(queue_, std::static_pointer_cast<ListenerMailbox>(shared_from_this()));
    accepted.handler = mailbox;
    accepted_.push_back({std::move(mailbox), connection.connection});
  }
  queue_.push(Event{shared_from_this()});
  return accepted;
}

void ListenerMailbox::close() noexcept {
  std::deque<Accepted> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(accepted_);
}

void ListenerMailbox::replay() noexcept {
  std::size_t waiting = 0;
  {
    const std::lock_guard lock(mutex_);
    waiting = accepted_.size();
  }
  for (; waiting != 0; --waiting) queue_.push(Event{shared_from_this()});
}

void ListenerMailbox::dispatch(const Event&) {
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) return;
  hand_out(owner);
  Py_DECREF(owner);
}

void ListenerMailbox::hand_out(PyObject* owner) {
  ListenerObject& listener = *nb::inst_ptr<ListenerObject>(owner);
  ObjectLock lock(owner);
  PyObject* argument = nullptr;
  std::shared_ptr<ConnectionMailbox> mailbox;
  if (listener.handler()) {
    Accepted next;
    {
      const std::lock_guard inside(mutex_);
      if (!accepted_.empty()) {
        next = std::move(accepted_.front());
        accepted_.pop_front();
      }
    }
    mailbox = next.mailbox;
    if (mailbox) {
      argument = make_instance<ConnectionObject>(listener.registration(), listener.configuration(), mailbox,
                                                 std::move(next.connection))
                     .release()
                     .ptr();
    }
  }
  if (argument != nullptr) {
    mailbox->owner().attach(argument);
    nb::inst_ptr<RegistrationObject>(listener.registration())->add_child(argument);
    listener.hold_connection(*mailbox, argument);
    mailbox->replay(kPeerCertificate);
    Py_INCREF(argument);  // for fail(), should the handler raise
    PyObject* const connection = argument;
    if (logs(Logger::Listener, kLogDebug)) log_event("client_came", connection);
    if (!listener.handler().call(lock, &argument, 1)) {
      const ObjectLock inner(connection);
      nb::inst_ptr<ConnectionObject>(connection)->fail();
    }
    Py_DECREF(connection);
    // It ended before its object was made: the object is told now.
    if (mailbox->is_over()) mailbox->push(kShutdownComplete);
  }
}

void ListenerMailbox::connection_is_over(const ConnectionMailbox& connection) {
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) return;
  {
    const ObjectLock lock(owner);
    nb::inst_ptr<ListenerObject>(owner)->release_connection(connection);
  }
  Py_DECREF(owner);
}

ListenerObject::ListenerObject(nb::object registration)
    : registration_(std::move(registration)), mailbox_(std::make_shared<ListenerMailbox>(Dispatcher::queue())) {
  listener_ = or_raise(quic::Listener::open(RegistrationObject::open_handle(registration_), mailbox_));
}

ListenerObject::~ListenerObject() {
  mailbox_->owner().detach();
  if (!quic::Library::forked()) mailbox_->close();
}

void ListenerObject::start(nb::handle configuration, nb::handle alpns, nb::handle port, nb::handle host,
                           nb::handle handshake_timeout_ms) {
  const quic::ServerConfigurations configurations = ConfigurationObject::loaded_by_name(configuration);
  const std::vector<std::string> names = alpn_argument(alpns);
  quic::ListenOptions options;
  const auto number = static_cast<std::uint16_t>(unsigned_argument(port, "port", 65535));
  options.handshake_timeout = std::chrono::milliseconds(
      handshake_timeout_ms.is_none()
          ? 0
          : unsigned_argument(handshake_timeout_ms, "handshake_timeout_ms", std::uint64_t{1} << 40));
  options.address = quic::Address::any(number);
  if (!host.is_none()) {
    const std::string literal = text_argument(host, "host");
    const auto address = quic::Address::parse(literal, number);
    if (!address)
      raise_named("InvalidArgument",
                  "host must be an IP address of this machine, such as 127.0.0.1 or ::1, or None for all");
    options.address = *address;
  }
  quic::Listener listener = listener_;
  // A copy for the listener; this one is the base of later changes.
  configurations_ = configurations;
  or_raise(listener.set_configurations(configurations_));
  or_raise(without_gil([&] { return listener.start(names, options); }));
  configuration_ = nb::borrow<nb::object>(configuration);
  if (!logs(Logger::Listener, kLogInfo)) return;
  nb::list alpn_objects;
  for (const std::string& alpn : names) alpn_objects.append(nb::bytes(alpn.data(), alpn.size()));
  log_event("listener_started", ListenerObject::address_tuple(address()).ptr(), alpn_objects.ptr());
}

void ListenerObject::stop() {
  quic::Listener listener = listener_;
  if (!listener) return;
  log_stop();
  or_raise(without_gil([&] { return listener.stop(); }));
}

nb::object ListenerObject::address_tuple(const quic::Address& address) {
  const std::string host = address.host();
  return nb::make_tuple(host.empty() ? "::" : host.c_str(), address.port());  // both families share one socket
}

void ListenerObject::log_stop() const {
  const quic::Address where = address();
  if (where.port() != 0 && logs(Logger::Listener, kLogInfo))
    log_event("listener_stopped", ListenerObject::address_tuple(where).ptr());
}

void ListenerObject::close(std::chrono::milliseconds timeout) {
  log_stop();
  closed_ = true;
  mailbox_->close();
  const auto connections = std::move(connections_);
  connections_.clear();
  quic::Listener listener = std::move(listener_);
  listener_ = {};
  configurations_ = {};
  if (listener) or_raise(without_gil([&] { return listener.close(timeout); }));
}

void ListenerObject::set_certificates(nb::handle certificates) {
  if (!configuration_.is_valid() || configurations_.empty())
    raise_named("InvalidState", "the listener was not started: it gets its first certificate from the configuration");
  auto replacement = with_certificates(configurations_.find(""), certificates, "certificates");
  or_raise(listener_.set_configurations(replacement));
  configurations_ = std::move(replacement);
}

void ListenerObject::replace_certificate(nb::handle certificate, nb::handle server_name) {
  if (!configuration_.is_valid() || configurations_.empty())
    raise_named("InvalidState", "the listener was not started: it gets its first certificate from the configuration");
  const std::string name = server_name.is_none() ? std::string() : host_argument(server_name, "server_name");
  const quic::Certificate& native = certificate_argument(certificate, "certificate");
  const quic::Configuration base = configurations_.find("");
  quic::ServerConfigurations replacement = configurations_;
  or_raise(replacement.set(name, or_raise(without_gil([&] { return base.with_certificate(native); }))));
  or_raise(listener_.set_configurations(replacement));
  configurations_ = std::move(replacement);
}

void ListenerObject::set_handler(nb::handle handler) {
  static constexpr HandlerShape kShape{"set_on_new_connection", {"connection", nullptr}};
  handler_.set(handler, kShape);
  if (handler_) mailbox_->replay();
}

std::string ListenerObject::describe() const {
  if (closed_) return "<Listener closed>";
  const quic::Address address = listener_.local_address();
  if (address.port() == 0) return "<Listener stopped>";
  return "<Listener on " + address.to_string() + ">";
}

void ListenerObject::hold_connection(const ConnectionMailbox& mailbox, nb::handle connection) {
  if (!closed_) connections_.try_emplace(&mailbox, nb::borrow<nb::object>(connection));
}

void ListenerObject::release_connection(const ConnectionMailbox& mailbox) noexcept {
  const auto found = connections_.find(&mailbox);
  if (found == connections_.end()) return;
  const nb::object last = std::move(found->second);  // its destructor may run Python code, which may come back here
  connections_.erase(found);
}

int ListenerObject::traverse(visitproc visit, void* arg) const {
  Py_VISIT(registration_.ptr());
  Py_VISIT(configuration_.ptr());
  if (const int result = handler_.traverse(visit, arg)) return result;
  for (const auto& [mailbox, connection] : connections_) Py_VISIT(connection.ptr());
  return 0;
}

void ListenerObject::clear_references() noexcept {
  handler_.clear();
  const auto connections = std::move(connections_);
  connections_.clear();
}

}  // namespace msquic_py::python

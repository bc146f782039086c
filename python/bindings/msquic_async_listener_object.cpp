#include <map>
#include <string>

#include "dispatch_exit.h"
#include "msquic_arguments.h"
#include "msquic_async_listener.h"
#include "msquic_certificate.h"
#include "msquic_configuration.h"
#include "msquic_errors.h"
#include "msquic_logging.h"
#include "msquic_registration.h"
#include "quic/library.h"

namespace nb = nanobind;

namespace msquic_py::python {

std::optional<quic::AcceptedConnection> AsyncListenerMailbox::on_new_connection(
    const quic::NewConnection& connection) noexcept {
  quic::AcceptedConnection accepted;
  const std::lock_guard lock(mutex_);
  if (closed_ || queue_->is_closed() || shaking_hands_.size() + ready_.size() >= backlog_) return std::nullopt;
  auto mailbox = AsyncConnectionMailbox::create(queue_, limits_,
                                                std::static_pointer_cast<AsyncListenerMailbox>(shared_from_this()));
  accepted.handler = mailbox;
  const AsyncConnectionMailbox* const key = mailbox.get();
  shaking_hands_.emplace(key, Accepted{std::move(mailbox), connection.connection});
  return accepted;
}

void AsyncListenerMailbox::hand_out(const std::shared_ptr<AsyncConnectionMailbox>& connection) noexcept {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = shaking_hands_.find(connection.get());
    if (found == shaking_hands_.end()) return;
    tell = ready_.empty();
    ready_.push_back(std::move(found->second));
    shaking_hands_.erase(found);
  }
  if (tell) queue_->push(Event{shared_from_this()});
}

void AsyncListenerMailbox::connection_is_over(const AsyncConnectionMailbox& connection) noexcept {
  Accepted last;  // its handle goes when the lock is free
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = shaking_hands_.find(&connection);
    if (found == shaking_hands_.end()) return;
    last = std::move(found->second);
    shaking_hands_.erase(found);
    tell = is_settled();
  }
  if (tell) queue_->push(Event{shared_from_this()});
}

PyObject* AsyncListenerMailbox::object_of(const AsyncConnectionMailbox& connection) {
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) return nullptr;
  Accepted accepted;
  {
    const std::lock_guard lock(mutex_);
    const auto found = shaking_hands_.find(&connection);
    if (found != shaking_hands_.end()) accepted = found->second;
  }
  nb::object object;
  if (accepted.mailbox) {
    object = nb::inst_ptr<AsyncListenerObject>(owner)->make_connection(std::move(accepted.mailbox),
                                                                       std::move(accepted.connection));
  }
  Py_DECREF(owner);
  return object.release().ptr();
}

bool AsyncListenerMailbox::refuse_more() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  return is_settled();
}

void AsyncListenerMailbox::close(std::uint64_t code, const std::string& reason) noexcept {
  std::unordered_map<const AsyncConnectionMailbox*, Accepted> shaking_hands;
  std::deque<Accepted> ready;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    shaking_hands.swap(shaking_hands_);
    ready.swap(ready_);
  }
  // To these clients they are connections like any other.
  for (auto& [key, each] : shaking_hands) static_cast<void>(each.connection.shutdown(code, reason));
  for (Accepted& each : ready) static_cast<void>(each.connection.shutdown(code, reason));
}

void AsyncListenerMailbox::dispatch(const Event&) {
  std::deque<Accepted> ready;
  bool settled = false;
  {
    const std::lock_guard lock(mutex_);
    ready.swap(ready_);
    settled = is_settled();
  }
  PyObject* const owner = owner_.lock();
  if (owner == nullptr) return;
  if (!queue_->is_closed()) {
    AsyncListenerObject& listener = *nb::inst_ptr<AsyncListenerObject>(owner);
    for (Accepted& each : ready) listener.hand_out(std::move(each.mailbox), std::move(each.connection));
    if (settled) listener.settled();
  }
  Py_DECREF(owner);
}

AsyncListenerObject::AsyncListenerObject(nb::object channel, nb::handle registration, nb::object on_connection,
                                         AsyncLimits limits, std::size_t backlog)
    : channel_(std::move(channel)),
      on_connection_(std::move(on_connection)),
      limits_(limits),
      mailbox_(std::make_shared<AsyncListenerMailbox>(nb::inst_ptr<AsyncChannelObject>(channel_)->queue(), limits,
                                                      backlog)) {
  refresh_connection_logging();
  listener_ = or_raise(quic::Listener::open(RegistrationObject::open_handle(registration), mailbox_));
  this->channel().add(*this);
}

AsyncListenerObject::~AsyncListenerObject() {
  mailbox_->owner().detach();
  channel().remove(*this);
  if (!quic::Library::forked()) close();
}

void AsyncListenerObject::start(nb::handle configuration, const std::vector<std::string>& alpns, nb::handle host,
                                std::uint16_t port, std::chrono::milliseconds handshake_timeout) {
  const quic::ServerConfigurations configurations = ConfigurationObject::loaded_by_name(configuration);
  quic::ListenOptions options;
  options.handshake_timeout = handshake_timeout;
  options.address = quic::Address::any(port);
  if (!host.is_none()) {
    const std::string literal = text_argument(host, "host");
    const auto address = quic::Address::parse(literal, port);
    if (!address) raise_named("InvalidArgument", "host must be an IP address of this machine, or None for all");
    options.address = *address;
  }
  quic::Listener listener = listener_;
  or_raise(listener.set_configurations(configurations));
  or_raise(without_gil([&] { return listener.start(alpns, options); }));
  configuration_ = nb::borrow<nb::object>(configuration);
  listening_ = true;
  nb::inst_ptr<AsyncChannelObject>(channel_)->hold(*this);
}

void AsyncListenerObject::set_certificates(nb::handle certificates) {
  quic::Listener listener = listener_;
  or_raise(listener.set_configurations(
      with_certificates(ConfigurationObject::loaded(configuration_), certificates, "certificate")));
}

void AsyncListenerObject::end_with_loop() noexcept {
  if (!listening_) return;
  const std::string text = "unclosed server on " + address().to_string() + ": its event loop was closed";
  close();
  if (PyErr_ResourceWarning(self(), 1, "%s", text.c_str()) != 0) PyErr_WriteUnraisable(self());
}

bool AsyncListenerObject::stop() noexcept {
  static_cast<void>(listener_.stop());
  if (!mailbox_->refuse_more()) return false;
  close();
  return true;
}

void AsyncListenerObject::settled() {
  if (!on_connection_.is_valid() || !listening_) return;
  close();
  on_connection_(nb::none());
}

void AsyncListenerObject::close(std::uint64_t code, const std::string& reason) noexcept {
  listening_ = false;
  static_cast<void>(listener_.stop());
  mailbox_->close(code, reason);
  // Whoever keeps a closed server keeps neither configuration nor registration open.
  listener_ = {};
  configuration_.reset();
  nb::inst_ptr<AsyncChannelObject>(channel_)->release(*this);
}

void AsyncListenerObject::hand_out(std::shared_ptr<AsyncConnectionMailbox> mailbox, quic::Connection connection) {
  if (!on_connection_.is_valid() || !listening_) return;
  // There is one already while a verifier decides.
  nb::object object = nb::steal(mailbox->owner().lock());
  if (!object.is_valid()) object = make_connection(std::move(mailbox), std::move(connection));
  on_connection_(object);
}

nb::object AsyncListenerObject::make_connection(std::shared_ptr<AsyncConnectionMailbox> mailbox,
                                                quic::Connection connection) {
  AsyncConnectionMailbox& events = *mailbox;
  const nb::handle type = nb::inst_ptr<AsyncChannelObject>(channel_)->connection_type();
  // A connection refers to the configuration for its verifier alone, and keeps MsQuic open with it.
  const bool verifies = configuration_.is_valid() && ConfigurationObject::has_verifier(configuration_);
  nb::object object = nb::inst_alloc(type);
  new (nb::inst_ptr<AsyncConnectionObject>(object)) AsyncConnectionObject(
      channel_, verifies ? configuration_ : nb::object(), std::move(mailbox), std::move(connection), limits_);
  nb::inst_mark_ready(object);
  nb::inst_ptr<AsyncConnectionObject>(object)->set_self(object);
  events.owner().attach(object);
  return object;
}

}  // namespace msquic_py::python

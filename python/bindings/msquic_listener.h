#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "msquic_connection.h"
#include "msquic_connection_mailbox.h"
#include "quic/listener.h"

namespace msquic_py::python {

class ListenerObject;

/// Accepts connections on MsQuic's threads and hands them to the ListenerObject's handler on the dispatcher's.
/// Accepted connections that no handler took yet are kept up to a limit; further clients are refused.
class ListenerMailbox final : public quic::ListenerHandler, public EventTarget {
 public:
  explicit ListenerMailbox(EventQueue& queue) : queue_(queue) {}

  std::optional<quic::AcceptedConnection> on_new_connection(const quic::NewConnection& connection) noexcept override;
  void dispatch(const Event& event) override;

  /// No more connections; those that no handler took are dropped.
  void close() noexcept;
  /// The handler was set.
  void replay() noexcept;
  /// An accepted connection ended.
  void connection_is_over(const ConnectionMailbox& connection);
  OwnerReference& owner() noexcept { return owner_; }

 private:
  void hand_out(PyObject* owner);

  struct Accepted {
    std::shared_ptr<ConnectionMailbox> mailbox;
    quic::Connection connection;
  };

  EventQueue& queue_;
  std::mutex mutex_;
  std::deque<Accepted> accepted_;
  bool closed_ = false;
  OwnerReference owner_;
};

/// The Python class Listener. All members need the GIL or, where there is none, the object locked.
///
/// It holds the accepted connections until they are over, so that one that the program does not store goes on.
class ListenerObject {
 public:
  explicit ListenerObject(nanobind::object registration);
  ListenerObject(const ListenerObject&) = delete;
  ListenerObject& operator=(const ListenerObject&) = delete;
  ~ListenerObject();

  void start(nanobind::handle configuration, nanobind::handle alpns, nanobind::handle port, nanobind::handle host,
             nanobind::handle handshake_timeout_ms);
  void stop();
  void close(std::chrono::milliseconds timeout);
  /// A Certificate, or a mapping of names to Certificates.
  void set_certificates(nanobind::handle certificates);
  /// For one name, or for clients without a certificate of their own.
  void replace_certificate(nanobind::handle certificate, nanobind::handle server_name);
  void set_handler(nanobind::handle handler);
  [[nodiscard]] quic::Address address() const { return listener_.local_address(); }
  [[nodiscard]] quic::Result<quic::ListenerStatistics> statistics() const { return listener_.statistics(); }
  [[nodiscard]] std::string describe() const;
  /// (host, port), "::" for all addresses.
  static nanobind::object address_tuple(const quic::Address& address);

  [[nodiscard]] const HandlerSlot& handler() const noexcept { return handler_; }
  [[nodiscard]] const nanobind::object& registration() const noexcept { return registration_; }
  [[nodiscard]] const nanobind::object& configuration() const noexcept { return configuration_; }
  [[nodiscard]] const std::shared_ptr<ListenerMailbox>& mailbox() const noexcept { return mailbox_; }
  void hold_connection(const ConnectionMailbox& mailbox, nanobind::handle connection);
  void release_connection(const ConnectionMailbox& mailbox) noexcept;

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  void log_stop() const;

  nanobind::object registration_;
  nanobind::object configuration_;
  std::shared_ptr<ListenerMailbox> mailbox_;
  quic::Listener listener_;
  quic::ServerConfigurations configurations_;
  HandlerSlot handler_;
  std::unordered_map<const ConnectionMailbox*, nanobind::object> connections_;
  bool closed_ = false;
};

}  // namespace msquic_py::python

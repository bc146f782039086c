#pragma once

#include <msquic.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "fanout_pieces.h"

namespace msquic_py::bench {

class BareSubscriber;

/// What a relay's fan-out costs with MsQuic alone: plain MsQuic sends the same bytes on the same streams to the same
/// connections, with one StreamSend for each object and connection, from one timer thread. It says what a MOQT client
/// expects of a server, in order, and understands nothing. With FanoutShape::forward the bytes are a publisher's,
/// forwarded from MsQuic's callback, as they come.
class BareServer {
 public:
  /// Listens on a free port of 127.0.0.1. Throws std::runtime_error when something fails.
  BareServer(const FanoutShape& shape, const std::string& certificate, const std::string& key);
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  ~BareServer();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Begins to send to those who have subscribed.
  void start();
  void stop();
  /// Objects, each to all.
  [[nodiscard]] std::uint64_t sent() const noexcept { return pieces_.count(); }

  // ---- for BareSubscriber ----

  [[nodiscard]] const QUIC_API_TABLE& api() const noexcept { return *api_; }
  [[nodiscard]] QUIC_BUFFER* server_setup() noexcept { return &server_setup_buffer_; }
  [[nodiscard]] QUIC_BUFFER* subscribe_ok() noexcept { return &subscribe_ok_buffer_; }
  /// REQUEST_OK for the publisher's namespace, and SUBSCRIBE.
  [[nodiscard]] QUIC_BUFFER* take_up() noexcept { return &take_up_buffer_; }
  /// Sends the publisher's bytes to all who have subscribed. `first`, `last`: as Piece says.
  void forward(std::span<const QUIC_BUFFER> bytes, bool first, bool last);
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
  void add(BareSubscriber& subscriber);
  void remove(BareSubscriber& subscriber);

 private:
  static QUIC_STATUS QUIC_API on_listener(HQUIC listener, void* context, QUIC_LISTENER_EVENT* event);
  void run();
  void send(Piece& piece);

  const FanoutShape shape_;
  FanoutPieces pieces_;
  base::ByteVector server_setup_;
  base::ByteVector subscribe_ok_;
  base::ByteVector take_up_;
  QUIC_BUFFER server_setup_buffer_{};
  QUIC_BUFFER subscribe_ok_buffer_{};
  QUIC_BUFFER take_up_buffer_{};

  const QUIC_API_TABLE* api_ = nullptr;
  HQUIC registration_ = nullptr;
  HQUIC configuration_ = nullptr;
  HQUIC listener_ = nullptr;
  std::uint16_t port_ = 0;

  std::mutex mutex_;  // held while an object is sent to all
  std::condition_variable changed_;
  std::vector<BareSubscriber*> subscribers_;
  bool has_publisher_ = false;
  bool sending_ = false;
  bool ending_ = false;
  std::thread timer_;
};

}  // namespace msquic_py::bench

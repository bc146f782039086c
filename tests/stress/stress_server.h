#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "unit/quic/quic_fixture.h"

namespace msquic_py::quic::testing {

/// What every part of one server asks, on any of MsQuic's threads, for a number that is not always the same.
class Dice {
 public:
  /// 0 to sides - 1.
  unsigned roll(unsigned sides) noexcept {
    std::uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed);  // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<unsigned>((z ^ (z >> 31)) % sides);
  }

 private:
  std::atomic<std::uint64_t> state_{1};
};

/// The server's side of a stream: returns what it gets, or takes part of it, or breaks the stream off. Keeps nothing
/// of what it received, so that a long run shows what the layer below keeps.
class StressStream final : public StreamHandler {
 public:
  StressStream(Dice& dice, Stream stream) : dice_(dice), stream_(std::move(stream)) {}

  std::uint64_t on_receive(const ReceivedData& data) noexcept override {
    if (dice_.roll(40) == 0) {
      static_cast<void>(stream_.abort(dice_.roll(1000), dice_.roll(2) == 0));
      return data.size;
    }
    if (dice_.roll(40) == 0 && data.size > 1) {
      static_cast<void>(stream_.resume_receive());  // the rest comes again at once
      return data.size / 2;
    }
    if (stream_.direction() == StreamDirection::Bidirectional) {
      for (const base::Bytes chunk : data.chunks) {
        const base::SharedBytes copy = base::SharedBytes::copy_of(chunk);
        static_cast<void>(stream_.send({&copy, 1}));
      }
      if (data.fin) static_cast<void>(stream_.finish());
    }
    return data.size;
  }
  void on_shutdown_complete(const StreamShutdown&) noexcept override { stream_ = {}; }

 private:
  Dice& dice_;
  Stream stream_;
};

/// The server's side of a connection. It may open a stream, send a datagram, close, or let go of its last handle,
/// whenever the dice say so.
class StressConnection final : public ConnectionHandler {
 public:
  StressConnection(Dice& dice, Connection connection) : dice_(dice), connection_(std::move(connection)) {}

  void on_connected(bool, std::string_view) noexcept override {
    if (dice_.roll(4) != 0) return;
    auto opened =
        connection_.open_stream(StreamDirection::Unidirectional, std::make_shared<StressStream>(dice_, Stream()));
    if (!opened) return;
    const base::SharedBytes text = base::SharedBytes::copy_of(base::as_bytes("from the server"));
    static_cast<void>(opened->send({&text, 1}, SendFlags::Start | SendFlags::Fin));
  }
  void on_shutdown_complete(const CloseReason&) noexcept override { connection_ = {}; }
  std::shared_ptr<StreamHandler> on_peer_stream(Stream stream, bool) noexcept override {
    switch (dice_.roll(200)) {
      case 0: return nullptr;
      case 1: static_cast<void>(connection_.shutdown(dice_.roll(100), "the dice said so")); break;
      case 2: static_cast<void>(connection_.shutdown_silently()); break;
      case 3: connection_ = {}; break;
      default: break;
    }
    return std::make_shared<StressStream>(dice_, std::move(stream));
  }
  void on_datagram_received(base::Bytes datagram, bool) noexcept override {
    const base::SharedBytes copy = base::SharedBytes::copy_of(datagram);
    static_cast<void>(connection_.send_datagram({&copy, 1}, dice_.roll(2)));
  }

 private:
  Dice& dice_;
  Connection connection_;
};

class StressListener final : public ListenerHandler {
 public:
  explicit StressListener(Configuration configuration) : configuration_(std::move(configuration)) {}

  std::optional<AcceptedConnection> on_new_connection(const NewConnection& offer) noexcept override {
    if (dice_.roll(200) == 0) return std::nullopt;
    accepted.fetch_add(1, std::memory_order_relaxed);
    return AcceptedConnection{std::make_shared<StressConnection>(dice_, offer.connection), configuration_};
  }

  std::atomic<std::uint64_t> accepted{0};

 private:
  Configuration configuration_;
  Dice dice_;
};

}  // namespace msquic_py::quic::testing

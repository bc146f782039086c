#include "transport/local/handles.h"

#include <utility>

#include "transport/local/connect.h"

namespace msquic_py::transport::local {
namespace {

class EndOfStream final : public Stream {
 public:
  EndOfStream(std::shared_ptr<Pair> pair, StreamPointer stream, Side side) noexcept
      : pair_(std::move(pair)), stream_(std::move(stream)), side_(side) {}
  ~EndOfStream() override { pair_->abandon(stream_, side_); }

  Result<void> send(std::span<const base::SharedBytes> slices, bool fin, std::uint64_t token) noexcept override {
    return pair_->send(stream_, side_, slices, fin, token);
  }
  void reset(std::uint64_t code) noexcept override { pair_->reset(stream_, side_, code); }
  void stop(std::uint64_t code) noexcept override { pair_->stop(stream_, side_, code); }
  void resume_receive() noexcept override { pair_->resume(stream_, side_); }
  void set_priority(std::uint16_t /*priority*/) noexcept override {}  // nothing waits on the way

 private:
  const std::shared_ptr<Pair> pair_;
  const StreamPointer stream_;
  const Side side_;
};

class EndOfConnection final : public Connection {
 public:
  EndOfConnection(std::shared_ptr<Pair> pair, Side side) noexcept : pair_(std::move(pair)), side_(side) {}
  ~EndOfConnection() override { pair_->close(side_, 0, {}); }

  [[nodiscard]] bool is_server() const noexcept override { return side_ == kServer; }
  Result<StreamHandle> open_stream(Direction direction, StreamKey key) noexcept override {
    auto opened = pair_->open(side_, direction, key);
    if (!opened.ok()) return base::Failure{opened.error()};
    return stream_handle(pair_, std::move(*opened), side_);
  }
  Result<void> send_datagram(std::span<const base::SharedBytes> slices, std::uint64_t token) noexcept override {
    return pair_->send_datagram(side_, slices, token);
  }
  [[nodiscard]] std::size_t max_datagram_size() const noexcept override { return pair_->largest_datagram(); }
  [[nodiscard]] std::size_t longest_reason() const noexcept override { return kLongestReason; }
  void close(std::uint64_t code, std::string_view reason) noexcept override { pair_->close(side_, code, reason); }

 private:
  static constexpr std::size_t kLongestReason = 1024;

  const std::shared_ptr<Pair> pair_;
  const Side side_;
};

}  // namespace

StreamHandle stream_handle(std::shared_ptr<Pair> pair, StreamPointer stream, Side side) {
  return std::make_unique<EndOfStream>(std::move(pair), std::move(stream), side);
}

Ends connect(const Options& options, std::shared_ptr<ConnectionHandler> at_client,
             std::shared_ptr<ConnectionHandler> at_server) {
  const auto pair = std::make_shared<Pair>(options, std::move(at_client), std::move(at_server));
  Ends ends{std::make_unique<EndOfConnection>(pair, kClient), std::make_unique<EndOfConnection>(pair, kServer)};
  pair->begin();
  return ends;
}

}  // namespace msquic_py::transport::local

#pragma once

#include <memory>

#include "transport/memory/link_options.h"
#include "transport/memory/random.h"
#include "transport/memory/timeline.h"

namespace msquic_py::transport::memory {

class Endpoint;

/// What joins two endpoints, and what a test may do to it while it lives.
class Link {
 public:
  Link(Timeline& timeline, std::uint64_t seed, const LinkOptions& options)
      : timeline_(timeline), random_(seed), options_(options) {}

  /// Packets that leave from now on travel like this.
  void set_paths(const Path& to_server, const Path& to_client) {
    options_.to_server = to_server;
    options_.to_client = to_client;
  }
  /// The path takes datagrams of at most so many bytes from now on; not more than the peers admit.
  void set_datagram_size(std::size_t largest);
  /// Nothing arrives any more, in either direction. Both ends notice after LinkOptions::idle_timeout.
  void cut();
  [[nodiscard]] bool is_cut() const noexcept { return cut_; }

  [[nodiscard]] Timeline& timeline() noexcept { return timeline_; }
  [[nodiscard]] Random& random() noexcept { return random_; }
  [[nodiscard]] const LinkOptions& options() const noexcept { return options_; }
  /// Two ways and their jitter: when an acknowledgement has come at the latest.
  [[nodiscard]] Duration round_trip() const noexcept {
    return options_.to_server.latency + options_.to_server.jitter + options_.to_client.latency +
           options_.to_client.jitter;
  }
  void join(const std::shared_ptr<Endpoint>& client, const std::shared_ptr<Endpoint>& server);

 private:
  Timeline& timeline_;
  Random random_;
  LinkOptions options_;
  bool cut_ = false;
  std::weak_ptr<Endpoint> client_;
  std::weak_ptr<Endpoint> server_;
};

}  // namespace msquic_py::transport::memory

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "relay/relay_counters.h"
#include "relay/relay_limits.h"
#include "runtime/endpoint.h"
#include "runtime/event_loop.h"
#include "runtime/relay_server.h"

namespace msquic_py::runtime {

/// One relay on several event loops, to clients the same as one on a single loop. Clients are spread over the loops.
/// The first loop is the upstream of all others: what a loop's own clients do not publish it takes from there, once for
/// all of its clients, over a connection within the process.
///
/// The first loop is run by whoever makes this, the others run on threads of their own from listen() on. Methods are
/// for the first loop's thread, or for any thread before it runs and after.
class RelayLoops {
 public:
  /// A policy for each loop, which is asked on that loop's thread alone; none, or as many as there are `loops`.
  RelayLoops(EventLoop& first, std::size_t loops, const relay::RelayLimits& limits,
             const std::vector<relay::AdmissionPolicy*>& policies = {});
  RelayLoops(const RelayLoops&) = delete;
  RelayLoops& operator=(const RelayLoops&) = delete;
  /// Ends the other loops; sessions that are left on them end.
  ~RelayLoops();

  /// Opens MsQuic. Before anything else.
  quic::Result<void> open(const std::string& app_name);
  void open(const quic::Registration& registration);
  /// See RelayServer::add_upstream(). Before listen().
  std::size_t add_upstream(UpstreamOptions options) { return first_.add_upstream(std::move(options)); }
  void on_upstream(UpstreamLink::Notify notify) { first_.on_upstream(std::move(notify)); }
  /// Before listen(): `visit(loop, server)` for each loop, for what is to live on it.
  template <class Visit>
  void for_each(Visit visit) {
    visit(loop_, first_);
    for (const auto& other : others_) visit(other->loop, *other->server);
  }
  /// Accepts clients. The handlers in `options` are called on the first loop, but the judge of certificates on any.
  quic::Result<void> listen(Endpoint::ListenOptions options);
  [[nodiscard]] std::uint16_t port() const { return first_.port(); }
  /// See Endpoint::listener().
  [[nodiscard]] quic::Listener listener() const { return first_.listener(); }

  /// As RelayServer::drain(), on all loops; `done` is called on the first.
  void drain(std::chrono::milliseconds grace, std::string_view successor, std::function<void()> done);
  void close(moqt::SessionErrorCode code, std::string_view reason);

  using Counted = std::function<void(const relay::RelayCounters&)>;
  /// While the loops run: asks each of them, then calls `done` on the first with what counters() would say.
  void count(Counted done);

  /// Ends the other loops, when drain() is done.
  void join();
  /// Of all loops together; of objects and bytes without what passes between loops. After join().
  [[nodiscard]] relay::RelayCounters counters() const;

 private:
  /// A loop that has the first one as its upstream.
  struct Other {
    EventLoop loop;
    std::unique_ptr<RelayServer> server;
    std::thread thread;
  };
  [[nodiscard]] UpstreamOptions way_to_first();
  /// Without what passes between loops.
  [[nodiscard]] static relay::RelayCounters as_one(relay::RelayCounters sum) noexcept;

  EventLoop& loop_;
  const std::shared_ptr<const base::Ledger> ledger_;
  RelayServer first_;
  std::vector<std::unique_ptr<Other>> others_;
  std::size_t draining_ = 0;  ///< loops that are not done
  std::function<void()> drained_;
};

}  // namespace msquic_py::runtime

#include "runtime/relay_loops.h"

#include <algorithm>
#include <utility>

#include "transport/local/connect.h"

namespace msquic_py::runtime {

namespace {

/// A publisher that is admitted on one loop is known on the others a moment later. Whoever has heard of it by then may
/// ask for it on another one, and is not to be told that there is none.
constexpr std::chrono::milliseconds kMoment{100};

relay::RelayLimits limits_of_first(relay::RelayLimits limits, std::size_t loops) {
  if (loops > 1) limits.rendezvous_timeout = std::max(limits.rendezvous_timeout, kMoment);
  return limits;
}

}  // namespace

RelayLoops::RelayLoops(EventLoop& first, std::size_t loops, const relay::RelayLimits& limits,
                       const std::vector<relay::AdmissionPolicy*>& policies)
    : loop_(first),
      ledger_(std::make_shared<const base::Ledger>(limits.memory)),
      first_(first, limits_of_first(limits, loops), ledger_, policies.empty() ? nullptr : policies.front()) {
  for (std::size_t number = 1; number < loops; ++number) {
    auto other = std::make_unique<Other>();
    other->server =
        std::make_unique<RelayServer>(other->loop, limits, ledger_, policies.empty() ? nullptr : policies.at(number));
    others_.push_back(std::move(other));
  }
}

RelayLoops::~RelayLoops() { join(); }

quic::Result<void> RelayLoops::open(const std::string& app_name) {
  auto registration = quic::Registration::open(app_name);
  if (!registration) return base::Failure{registration.error()};
  open(registration.value());
  return {};
}

void RelayLoops::open(const quic::Registration& registration) {
  for_each([&](EventLoop&, RelayServer& server) { server.open(registration); });
}

quic::Result<void> RelayLoops::listen(Endpoint::ListenOptions options) {
  for (const auto& other : others_) {
    other->server->add_upstream(way_to_first());
    options.others.push_back(other->server->place());
  }
  if (auto listening = first_.listen(std::move(options)); !listening) return listening;
  try {
    for (const auto& other : others_) other->thread = std::thread([&loop = other->loop] { loop.run(); });
  } catch (...) {  // no thread is to be had: what lives on the loops that run already goes before this does
    join();
    throw;
  }
  return {};
}

UpstreamOptions RelayLoops::way_to_first() {
  UpstreamOptions options;
  options.dial.session = inner_session();
  options.dial.carrier = [this](std::shared_ptr<transport::ConnectionHandler> at_client) {
    auto inbox = first_.endpoint().make_inbox();
    transport::local::Options link;
    link.protocol = moqt::alpn(moqt::Draft::k15);
    auto ends = transport::local::connect(link, std::move(at_client), inbox);
    // A task is copied on its way, a handle can't be.
    auto server = std::make_shared<transport::ConnectionHandle>(std::move(ends.server));
    loop_.post([this, inbox, server] { first_.take_in(inbox, std::move(*server)); });
    return std::move(ends.client);
  };
  return options;
}

void RelayLoops::drain(std::chrono::milliseconds grace, std::string_view successor, std::function<void()> done) {
  if (draining_ > 0) return;
  draining_ = 1 + others_.size();
  drained_ = std::move(done);
  const auto one_done = [this] {
    if (--draining_ == 0 && drained_) std::exchange(drained_, nullptr)();
  };
  // The first loop has nobody left when the others have left it.
  for (const auto& other : others_) {
    other->loop.post([this, &server = *other->server, grace, to = std::string(successor), one_done] {
      server.drain(grace, to, [this, one_done] { loop_.post(one_done); });
    });
  }
  first_.drain(grace, successor, one_done);
}

void RelayLoops::close(moqt::SessionErrorCode code, std::string_view reason) {
  for (const auto& other : others_) {
    other->loop.post([&server = *other->server, code, why = std::string(reason)] { server.close(code, why); });
  }
  first_.close(code, reason);
}

void RelayLoops::join() {
  for (const auto& other : others_) {
    if (!other->thread.joinable()) continue;
    other->loop.stop();
    other->thread.join();
  }
}

relay::RelayCounters RelayLoops::counters() const {
  relay::RelayCounters sum = first_.counters();
  for (const auto& other : others_) sum += other->server->counters();
  return as_one(sum);
}

void RelayLoops::count(Counted done) {
  struct Counting {
    relay::RelayCounters sum;
    std::size_t missing;
    Counted done;
  };
  const auto counting = std::make_shared<Counting>(Counting{{}, 1 + others_.size(), std::move(done)});
  // On the first loop, one after the other.
  const auto one_counted = [counting](const relay::RelayCounters& counters) {
    counting->sum += counters;
    if (--counting->missing == 0) counting->done(as_one(counting->sum));
  };
  for (const auto& other : others_) {
    other->loop.post([this, &server = *other->server, one_counted] {
      loop_.post([one_counted, counters = server.counters()] { one_counted(counters); });
    });
  }
  loop_.post([this, counting, one_counted] {
    // What all of them hold together any one says.
    const relay::RelayCounters others = std::exchange(counting->sum, first_.counters());
    one_counted(others);
  });
}

relay::RelayCounters RelayLoops::as_one(relay::RelayCounters sum) noexcept {
  const auto without = [](std::uint64_t all, std::uint64_t between) { return all - std::min(all, between); };
  sum.objects_delivered = without(sum.objects_delivered, sum.objects_between_loops);
  sum.bytes_delivered = without(sum.bytes_delivered, sum.bytes_between_loops);
  sum.sessions = without(sum.sessions, sum.sessions_between_loops);
  sum.upstreams = without(sum.upstreams, sum.upstreams_between_loops);
  return sum;
}

}  // namespace msquic_py::runtime

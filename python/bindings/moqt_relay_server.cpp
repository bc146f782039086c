// The relay on a thread of its own, for Python.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch_exit.h"
#include "moqt_arguments.h"
#include "moqt_deliveries.h"
#include "moqt_session_handles.h"
#include "moqt_session_options.h"
#include "moqt_shared_listener.h"
#include "moqt_topics.h"
#include "moqt_track_options.h"
#include "msquic_errors.h"
#include "msquic_registration.h"
#include "quic/library.h"
#include "runtime/relay_loops.h"

namespace msquic_py::python {
namespace {

/// A relay and the thread of its first loop, which ends when the relay has been drained.
class RelayThread : public std::enable_shared_from_this<RelayThread> {
 public:
  RelayThread(std::shared_ptr<SessionChannel> channel, std::uint64_t target, relay::RelayLimits limits,
              std::size_t loops, bool asks, std::vector<runtime::UpstreamOptions> upstreams)
      : channel_(std::move(channel)),
        target_(target),
        limits_(limits),
        loops_(loops),
        asks_(asks),
        upstreams_(std::move(upstreams)) {}

  /// Listening or NotListening follows, and Stopped at the end.
  void start(quic::Registration registration, runtime::Endpoint::ListenOptions options) {
    std::thread([self = shared_from_this(), registration = std::move(registration),
                 options = std::move(options)]() mutable {
      self->run(std::move(registration), std::move(options));
    }).detach();
  }
  /// Where it listens, and with what; from Listening to Stopped.
  [[nodiscard]] const SharedListener& socket() const noexcept { return socket_; }
  /// Python's word on what a peer asks.
  void decide(std::uint64_t whose, std::uint64_t request, moqt::session::Verdict verdict) {
    loop_.post([weak = weak_from_this(), whose, request, verdict = std::move(verdict)] {
      const auto self = weak.lock();
      if (!self || !self->server_) return;
      const auto [loop, server] = self->places_.at(static_cast<std::size_t>(whose % self->loops_));
      // The other loops end, and what they still have to do, before this one does.
      const auto decide = [server = server, peer = whose / self->loops_, request, verdict] {
        server->decide(peer, {request}, verdict);
      };
      if (loop == &self->loop_) return decide();
      loop->post(decide);
    });
  }
  /// New clients are refused from now on; what there is goes on.
  void stop_accepting() { (void)socket_.get().stop(); }
  /// Asks the sessions to leave, to `successor` when it is not empty, and ends when they have, or after `grace`. A
  /// second call ends them now.
  void drain(std::chrono::milliseconds grace, std::string successor = {}) {
    // The loop belongs to this object: a task that holds it, posted after the loop's end, would hold both for ever.
    loop_.post([weak = weak_from_this(), grace, successor = std::move(successor)] {
      const auto self = weak.lock();
      if (!self || !self->server_) return;
      if (std::exchange(self->draining_, true)) {
        self->server_->close(moqt::SessionErrorCode::kGoawayTimeout, "the relay is shutting down");
        return;
      }
      self->server_->drain(grace, successor, [loop = &self->loop_] { loop->stop(); });
    });
  }
  /// A consistent snapshot; the last one when the relay is over.
  relay::RelayCounters counters() {
    std::unique_lock lock(mutex_);
    if (over_) return counters_;
    const std::uint64_t wanted = ++asked_;
    loop_.post([weak = weak_from_this(), wanted] {
      const auto relay = weak.lock();
      if (!relay || !relay->server_) return;
      relay->server_->count([weak, wanted](const relay::RelayCounters& counters) {
        const auto self = weak.lock();
        if (!self) return;
        const std::lock_guard inside(self->mutex_);
        self->counters_ = counters;
        self->answered_ = wanted;
        self->changed_.notify_all();
      });
    });
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return over_ || answered_ >= wanted; });
    return counters_;
  }

 private:
  /// Asks Python about everything that clients of one loop want; that loop's thread.
  class PythonPolicy final : public relay::AdmissionPolicy {
   public:
    PythonPolicy(RelayThread& relay, std::size_t loop) noexcept : relay_(relay), loop_(loop) {}
    std::optional<moqt::session::Verdict> judge(const relay::Applicant& applicant,
                                                const moqt::session::AuthorizationRequested& question) override {
      Notice notice{.target = relay_.target_,
                    .kind = Notice::Kind::Authorize,
                    .ticket = question.request.value,
                    .code = whose(applicant.peer),
                    .question = std::make_shared<moqt::session::AuthorizationRequested>(question)};
      if (applicant.setup != nullptr) notice.parameters = *applicant.setup;
      const auto* connection = relay_.places_.at(loop_).second->connection_of(applicant.peer);
      if (connection != nullptr) notice.connection = *connection;
      relay_.channel_->push(std::move(notice));
      return std::nullopt;
    }
    void withdrawn(std::uint64_t peer, moqt::session::RequestHandle request) override {
      relay_.channel_->push(
          {.target = relay_.target_, .kind = Notice::Kind::Authorized, .ticket = request.value, .code = whose(peer)});
    }
    void left(std::uint64_t peer) override {
      relay_.channel_->push(
          {.target = relay_.target_, .kind = Notice::Kind::Authorized, .flag = true, .code = whose(peer)});
    }

   private:
    /// Each loop numbers its peers by itself.
    [[nodiscard]] std::uint64_t whose(std::uint64_t peer) const noexcept { return peer * relay_.loops_ + loop_; }

    RelayThread& relay_;
    const std::size_t loop_;
  };

  void run(quic::Registration registration, runtime::Endpoint::ListenOptions options) {
    std::vector<std::unique_ptr<PythonPolicy>> policies;
    std::vector<relay::AdmissionPolicy*> asked;
    for (std::size_t number = 0; asks_ && number < loops_; ++number) {
      asked.push_back(policies.emplace_back(std::make_unique<PythonPolicy>(*this, number)).get());
    }
    server_ = std::make_unique<runtime::RelayLoops>(loop_, loops_, limits_, asked);
    server_->for_each(
        [this](runtime::EventLoop& loop, runtime::RelayServer& server) { places_.emplace_back(&loop, &server); });
    server_->open(registration);
    registration = {};
    for (runtime::UpstreamOptions& upstream : upstreams_) {
      upstream.dial.drafts = options.drafts;
      server_->add_upstream(std::move(upstream));
    }
    const auto listening = server_->listen(std::move(options));
    if (listening) {
      socket_.set(server_->listener());
      channel_->push({.target = target_, .kind = Notice::Kind::Listening, .code = server_->port()});
      loop_.run();
      server_->join();
    } else {
      channel_->push({.target = target_, .kind = Notice::Kind::NotListening, .error = listening.error()});
    }
    {
      const std::lock_guard lock(mutex_);
      counters_ = server_->counters();
      over_ = true;
      changed_.notify_all();
    }
    socket_.set({});
    server_.reset();
    channel_->push({.target = target_, .kind = Notice::Kind::Stopped});
  }

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t target_;
  const relay::RelayLimits limits_;
  const std::size_t loops_;
  const bool asks_;
  std::vector<runtime::UpstreamOptions> upstreams_;  ///< until the thread has them
  SharedListener socket_;
  runtime::EventLoop loop_;
  std::unique_ptr<runtime::RelayLoops> server_;  ///< on its thread only
  std::vector<std::pair<runtime::EventLoop*, runtime::RelayServer*>> places_;
  bool draining_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  relay::RelayCounters counters_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  bool over_ = false;
};

/// Dropping it ends the relay at once.
struct RelayHandle {
  explicit RelayHandle(std::shared_ptr<RelayThread> made) noexcept : relay(std::move(made)) {}
  RelayHandle(RelayHandle&&) noexcept = default;
  RelayHandle(const RelayHandle&) = delete;
  RelayHandle& operator=(const RelayHandle&) = delete;
  ~RelayHandle() {
    if (relay && !quic::Library::forked()) relay->drain(std::chrono::milliseconds(0));
  }
  std::shared_ptr<RelayThread> relay;
};

runtime::UpstreamOptions upstream_options(const nb::dict& options) {
  runtime::UpstreamOptions result;
  result.prefix = nb::cast<const moqt::TrackNamespace&>(options["prefix"]);
  result.dial.host = nb::cast<std::string>(options["host"]);
  result.dial.port = static_cast<std::uint16_t>(nb::cast<int>(options["port"]));
  result.dial.credentials.ca_file = nb::cast<std::string>(options["ca_file"]);
  for (nb::handle pin : options["pinned_sha256"])
    result.dial.credentials.pinned_sha256.push_back(string_argument(pin, "pinned_sha256"));
  result.dial.credentials.no_certificate_validation = !flag_argument(nb::object(options["verify"]), "verify");
  result.dial.idle_timeout = std::chrono::milliseconds(nb::cast<std::int64_t>(options["idle_timeout_ms"]));
  auto& session = result.dial.session.session;
  session.path = nb::cast<std::string>(options["path"]);
  session.authority = nb::cast<std::string>(options["authority"]);
  session.authorization_tokens = session.request_tokens = tokens_of(options["tokens"]);
  return result;
}

RelayHandle start_relay(const ChannelHandle& channel, std::uint64_t target, nb::handle registration,
                        nb::handle configuration, const std::string& host, std::uint16_t port,
                        const nb::dict& options) {
  ensure_usable();
  relay::RelayLimits limits;
  const auto limit = [&options](const char* key, std::size_t& value) {
    if (!options.contains(key)) return;
    value = static_cast<std::size_t>(integer_argument(nb::object(options[key]), key).checked(key));
  };
  limit("max_queued_bytes_per_subscription", limits.max_queued_bytes_per_subscription);
  limit("max_consecutive_skips", limits.max_consecutive_skips);
  limit("max_tracks", limits.max_tracks);
  limit("max_namespaces", limits.max_namespaces);
  limit("min_prefix_fields", limits.min_prefix_fields);
  limit("cache_bytes", limits.memory.tracks);
  limit("cache_bytes_per_track", limits.memory.track);
  limit("max_memory_bytes", limits.memory.process);
  const auto time = [&](const char* key, std::chrono::milliseconds& value) {
    auto milliseconds = static_cast<std::size_t>(value.count());
    limit(key, milliseconds);
    value = std::chrono::milliseconds(milliseconds);
  };
  time("cache_duration_ms", limits.cache_duration);
  time("max_queued_time_ms", limits.max_queued_time);
  time("upstream_loss_timeout_ms", limits.upstream_loss_timeout);
  time("upstream_linger_ms", limits.upstream_linger);
  time("rendezvous_timeout_ms", limits.rendezvous_timeout);
  std::size_t loops = std::max(1U, std::thread::hardware_concurrency() / 4);
  limit("loops", loops);
  std::vector<runtime::UpstreamOptions> upstreams;
  for (nb::handle each : options["upstreams"]) upstreams.push_back(upstream_options(nb::cast<nb::dict>(each)));
  auto listen_options =
      listening_options(channel, target, configuration, host, port, options, session_options(options).driver);
  auto relay = std::make_shared<RelayThread>(
      channel.channel, target, limits, loops,
      options.contains("asks_authorization") && nb::cast<bool>(options["asks_authorization"]), std::move(upstreams));
  relay->start(RegistrationObject::open_handle(registration), std::move(listen_options));
  return RelayHandle(std::move(relay));
}

nb::dict deliveries(RelayHandle& self) {
  ensure_usable();
  return deliveries_dict(without_gil([&] { return self.relay->counters().deliveries; }));
}

nb::dict stats(RelayHandle& self) {
  ensure_usable();
  const relay::RelayCounters c = without_gil([&] { return self.relay->counters(); });
  nb::dict values;
  values["sessions"] = c.sessions;
  values["tracks"] = c.tracks;
  values["upstream_subscriptions"] = c.upstream_subscriptions;
  values["downstream_subscriptions"] = c.downstream_subscriptions;
  values["published_namespaces"] = c.published_namespaces;
  values["objects_received"] = c.objects_received;
  values["objects_delivered"] = c.objects_delivered;
  values["bytes_received"] = c.bytes_received;
  values["bytes_delivered"] = c.bytes_delivered;
  values["duplicates_dropped"] = c.duplicates_dropped;
  values["groups_skipped"] = c.groups_skipped;
  values["subscribers_too_far_behind"] = c.subscribers_too_far_behind;
  values["malformed_tracks"] = c.malformed_tracks;
  values["fetches"] = c.fetches;
  values["fetch_hits"] = c.fetch_hits;
  values["fetch_misses"] = c.fetch_misses;
  values["upstream_fetches"] = c.upstream_fetches;
  values["objects_fetched"] = c.objects_fetched;
  values["groups_evicted"] = c.groups_evicted;
  values["upstreams"] = c.upstreams;
  values["publishers_lost"] = c.publishers_lost;
  values["publishers_replaced"] = c.publishers_replaced;
  values["objects_backfilled"] = c.objects_backfilled;
  values["backfills_failed"] = c.backfills_failed;
  values["subscriptions_held"] = c.subscriptions_held;
  values["publishes_skipped"] = c.publishes_skipped;
  values["loops_noticed"] = c.loops_noticed;
  values["cached_tracks"] = c.cached_tracks;
  values["cached_bytes"] = c.cached_bytes;
  values["memory_bytes"] = c.memory_bytes;
  values["memory_connections_bytes"] = c.memory_connections_bytes;
  values["memory_sessions_bytes"] = c.memory_sessions_bytes;
  values["memory_tracks_bytes"] = c.memory_tracks_bytes;
  values["memory_refusals"] = c.memory_refusals;
  return values;
}

}  // namespace

void bind_relay_server(nb::module_& m) {
  nb::class_<RelayHandle>(m, "RelayHandle", "A relay and its thread.", nb::is_final())
      .def(
          "drain",
          [](RelayHandle& self, double seconds, const std::string& successor) {
            self.relay->drain(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)), successor);
          },
          nb::arg("seconds"), nb::arg("successor"))
      .def("stop_accepting", [](RelayHandle& self) { self.relay->stop_accepting(); })
      .def(
          "decide",
          [](RelayHandle& self, std::uint64_t whose, std::uint64_t request, nb::handle code, const std::string& reason,
             nb::handle session_code, nb::handle expires) {
            self.relay->decide(whose, request, verdict_of(code, reason, session_code, expires));
          },
          nb::arg("whose"), nb::arg("request"), nb::arg("code").none(), nb::arg("reason"),
          nb::arg("session_code").none(), nb::arg("expires").none(), nb::sig(kDecide))
      .def(
          "replace_certificates",
          [](const RelayHandle& self, nb::handle configuration, nb::handle certificates) {
            replace_certificates(self.relay->socket(), configuration, certificates);
          },
          nb::arg("configuration"), nb::arg("certificates"), nb::sig(kReplaceCertificates))
      .def_prop_ro(
          "local_address", [](const RelayHandle& self) { return local_address_of(self.relay->socket()); },
          nb::sig(kLocalAddress))
      .def("deliveries", deliveries, nb::sig("def deliveries(self) -> dict[str, int]"))
      .def("stats", stats, nb::sig("def stats(self) -> dict[str, int]"));
  m.def("start_relay", start_relay, nb::arg("channel"), nb::arg("target"), nb::arg("registration"),
        nb::arg("configuration"), nb::arg("host"), nb::arg("port"), nb::arg("options"),
        nb::sig("def start_relay(channel: SessionChannel, target: int, registration: msquic._native.quic.Registration, "
                "configuration: msquic._native.quic.Configuration, host: str, port: int, options: dict[str, "
                "typing.Any]) -> RelayHandle"),
        "Begins a relay; Listening or NotListening follows for `target`, and Stopped at its end.");
}

}  // namespace msquic_py::python

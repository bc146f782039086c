// moqt-relay: connects MOQT publishers and subscribers.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "command_line/congestion_control.h"
#include "command_line/draft_option.h"
#include "command_line/exit_code.h"
#include "command_line/logging.h"
#include "command_line/process.h"
#include "command_line/server_identity.h"
#include "command_line/text_file.h"
#include "command_line/token_argument.h"
#include "command_line/whole_number.h"
#include "quic/library.h"
#include "refusal_log.h"
#include "relay/token_policy.h"
#include "runtime/moqt_url.h"
#include "runtime/relay_loops.h"
#include "runtime/shutdown_signal.h"
#include "skip_log.h"
#include "upstream_arguments.h"
#include "upstream_log.h"

namespace {

using namespace msquic_py;

struct Options {
  std::string host = "::";
  std::uint16_t port = 4433;
  std::string cert;
  std::string key;
  double drain_seconds = 5.0;
  std::string successor;
  std::uint64_t max_sessions = 10'000;
  // A loop's thread does about an eighth of the work, MsQuic's threads the rest.
  std::size_t loops = std::max(1U, std::thread::hardware_concurrency() / 4);
  std::size_t max_queued_bytes = relay::RelayLimits{}.max_queued_bytes_per_subscription;
  double setup_timeout = std::chrono::duration<double>(moqt::session::Timeouts{}.setup).count();
  bool hold_publishers = relay::RelayLimits{}.hold_publishers;
  double max_queue_age = std::chrono::duration<double>(relay::RelayLimits{}.max_queue_age).count();
  double max_queued_time = std::chrono::duration<double>(relay::RelayLimits{}.max_queued_time).count();
  double cache_duration = std::chrono::duration<double>(relay::RelayLimits{}.cache_duration).count();
  std::size_t cache_bytes = relay::RelayLimits{}.memory.tracks;
  std::size_t cache_bytes_per_track = relay::RelayLimits{}.memory.track;
  std::size_t max_memory = relay::RelayLimits{}.memory.process;
  double upstream_timeout = std::chrono::duration<double>(relay::RelayLimits{}.upstream_answer_timeout).count();
  double data_stream_timeout = std::chrono::duration<double>(moqt::session::Timeouts{}.data_stream).count();
  double rendezvous_timeout = std::chrono::duration<double>(relay::RelayLimits{}.rendezvous_timeout).count();
  apps::UpstreamArguments upstream;
  std::optional<quic::CongestionControl> congestion_control = quic::CongestionControl::Bbr;
  std::vector<moqt::Draft> drafts = runtime::all_drafts();
  std::string token_file;
  std::vector<std::string> publisher_tokens;
  bool allow_empty_prefix = false;
  bool refuse_stream_type = false;
  std::string log_level;
};

/// What is wrong with a URI that GOAWAY is to carry; empty when nothing is.
std::string check_successor(const std::string& text) {
  const auto url = runtime::MoqtUrl::parse(text);
  return url ? std::string() : url.error();
}

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version",
                       std::string("moqt-relay ") + MSQUIC_PY_VERSION + " (" + apps::spoken_drafts() + ")");
  app.add_option("--host", options.host, "IP address to listen on; :: listens on IPv4 and IPv6")->capture_default_str();
  app.add_option("--port", options.port, "UDP port; 0 chooses a free one")
      ->check(CLI::Range(0u, 65535u))
      ->capture_default_str();
  app.add_option("--cert", options.cert, "Certificate chain (PEM); without it a development certificate is made");
  app.add_option("--key", options.key,
                 "Private key (PEM). A relay that is started again with the same key tells former clients at once "
                 "that their sessions are gone");
  app.add_option("--drain-seconds", options.drain_seconds, "How long clients may take to leave after SIGINT or SIGTERM")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--successor", options.successor,
                 "Where clients are sent then, as moqt://host:port/path; without it they come back here")
      ->check(CLI::Validator(check_successor, "URL"));
  app.add_option("--max-sessions", options.max_sessions, "Clients beyond it are refused")
      ->check(apps::whole_number())
      ->capture_default_str();
  app.add_option(
         "--loops", options.loops,
         "Event loops, each with a thread, that clients are spread over; by default one for every four processors")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--max-queued-bytes", options.max_queued_bytes,
                 "Bytes that may wait for one subscription before it skips to the next group")
      ->check(apps::whole_number())
      ->capture_default_str();
  app.add_option("--max-queue-age", options.max_queue_age,
                 "Seconds that they may wait before the subscription skips to the next group; 0: any time")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option(
         "--max-queued-time", options.max_queued_time,
         "Seconds of a live track that may wait for a subscriber, by the time in which they came, before it goes on "
         "with the newest group; the publisher's or the subscriber's DELIVERY_TIMEOUT takes its place; 0: any")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_flag("--hold-publishers", options.hold_publishers,
               "Rather than to skip for a slow subscriber, let its publisher wait, and with it all who receive the "
               "track; whoever does not read at all skips after --max-queue-age");
  app.add_option("--cache-duration", options.cache_duration,
                 "Seconds that a group is kept for FETCH after its newest object came, unless the publisher says less "
                 "(MAX_CACHE_DURATION); 0: nothing is kept")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--cache-bytes", options.cache_bytes,
                 "Bytes of all tracks together that are kept; the oldest groups go")
      ->check(apps::whole_number())
      ->capture_default_str();
  app.add_option("--cache-bytes-per-track", options.cache_bytes_per_track, "Bytes of one track that are kept")
      ->check(apps::whole_number())
      ->capture_default_str();
  app.add_option("--max-memory", options.max_memory,
                 "Bytes of memory at which new sessions and requests are refused; MsQuic's own is not counted")
      ->check(apps::whole_number())
      ->capture_default_str();
  app.add_option("--setup-timeout", options.setup_timeout, "Seconds that a client may take to CLIENT_SETUP")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--upstream-timeout", options.upstream_timeout,
                 "Seconds that a publisher may take to answer what the relay asks it on behalf of a subscriber")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option(
         "--rendezvous-timeout", options.rendezvous_timeout,
         "Seconds that a SUBSCRIBE for a track that nobody publishes waits for a publisher, and that subscribers "
         "of a publisher that was lost wait for another; 0: not at all")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  options.upstream.add_to(app);
  app.add_option("--data-stream-timeout", options.data_stream_timeout,
                 "Seconds that a stream may stop in the middle of a header or an object")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  apps::add_congestion_control(app, options.congestion_control);
  app.add_option("--require-token", options.token_file,
                 "Let clients do only what a token of this file allows; a line is a token, then what it allows "
                 "(publish, subscribe, fetch or *, separated by commas) and a namespace with '/' between its fields, "
                 "each of which may be left out")
      ->type_name("FILE");
  apps::add_draft_option(app, options.drafts);
  app.add_option("--publisher-token", options.publisher_tokens,
                 "Token that the relay shows to publishers with what it asks of them: TOKEN, TYPE:TOKEN or @FILE")
      ->type_name("TOKEN")
      ->allow_extra_args(false);
  app.add_flag("--tolerate-empty-namespace-prefix", options.allow_empty_prefix,
               "Accept SUBSCRIBE_NAMESPACE for a prefix of no fields, which section 9.23 forbids and moq-rs sends");
  app.add_flag("--refuse-leading-stream-type", options.refuse_stream_type,
               "Refuse a 0x00 byte before CLIENT_SETUP, which draft-15 does not have");
  apps::add_logging_option(app, options.log_level);
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

int run(const Options& options) {
  runtime::EventLoop loop;
  relay::RelayLimits limits;
  limits.max_queued_bytes_per_subscription = options.max_queued_bytes;
  limits.upstream_answer_timeout = milliseconds(options.upstream_timeout);
  limits.rendezvous_timeout = milliseconds(options.rendezvous_timeout);
  options.upstream.apply_to(limits);
  limits.max_queue_age = milliseconds(options.max_queue_age);
  limits.max_queued_time = milliseconds(options.max_queued_time);
  limits.hold_publishers = options.hold_publishers;
  limits.cache_duration = milliseconds(options.cache_duration);
  limits.memory.tracks = options.cache_bytes;
  limits.memory.track = options.cache_bytes_per_track;
  limits.memory.process = options.max_memory;
  auto upstreams = options.upstream.read();
  if (!upstreams) {
    apps::log_error(upstreams.error());
    return apps::kUsage;
  }
  std::vector<relay::TokenPolicy> policies;  // one for each loop
  if (!options.token_file.empty()) {
    auto list = apps::read_text_file(options.token_file);
    if (!list) {
      apps::log_error(list.error());
      return apps::kFailure;
    }
    auto parsed = relay::TokenPolicy::parse(*list);
    if (!parsed.ok()) {
      apps::log_error(options.token_file + ": " + parsed.error());
      return apps::kFailure;
    }
    policies.assign(options.loops, parsed.value());
  }
  std::vector<relay::AdmissionPolicy*> asked;
  asked.reserve(policies.size());
  for (relay::TokenPolicy& policy : policies) asked.push_back(&policy);
  runtime::RelayLoops server(loop, options.loops, limits, asked);

  // Before anything that takes time, so that a signal is heard from the first moment.
  int signals = 0;
  const auto stop = [&] { loop.stop(); };
  runtime::ShutdownSignal shutdown([&] {
    loop.post([&] {
      if (++signals == 1) {
        apps::log_info("draining: clients are asked to leave");
        server.drain(milliseconds(options.drain_seconds), options.successor, stop);
      } else {
        server.close(moqt::SessionErrorCode::kNoError, "the relay is shutting down");
      }
    });
  });

  auto identity = apps::ServerIdentity::load(options.cert, options.key, options.host);
  if (!identity) {
    apps::log_error(identity.error());
    return apps::kFailure;
  }
  if (const auto key = identity->stateless_reset_key()) {
    quic::LibraryOptions process;
    process.stateless_reset_key = key;
    if (auto set = quic::Library::configure(process); !set) {
      apps::log_error(set.error().message);
      return apps::kFailure;
    }
  }

  apps::RefusalLog refusals(loop);
  std::deque<apps::SkipLog> skips;
  server.for_each([&](runtime::EventLoop& each, runtime::RelayServer& of) { skips.emplace_back(each, of); });
  runtime::Endpoint::ListenOptions listen;
  listen.host = options.host;
  listen.drafts = options.drafts;
  listen.port = options.port;
  listen.credentials = identity->credentials();
  listen.max_sessions = options.max_sessions;
  listen.congestion_control = options.congestion_control;
  listen.on_refused = [&](const runtime::Refusal& refusal) { refusals.refused(refusal); };
  listen.session.handshake_timeout = milliseconds(options.setup_timeout);
  listen.session.session.timeouts.setup = milliseconds(options.setup_timeout);
  listen.session.session.timeouts.data_stream = milliseconds(options.data_stream_timeout);
  for (const std::string& argument : options.publisher_tokens) {
    auto token = apps::read_token(argument);
    if (!token) {
      apps::log_error("--publisher-token: " + token.error());
      return apps::kUsage;
    }
    listen.session.session.publisher_tokens.push_back(std::move(token).value());
  }
  listen.session.session.tolerances.empty_namespace_prefix = options.allow_empty_prefix;
  listen.session.session.tolerances.leading_stream_type = !options.refuse_stream_type;
  server.on_upstream(apps::UpstreamLog(options.upstream.upstreams));
  auto ready = server.open("moqt-relay");
  for (runtime::UpstreamOptions& upstream : upstreams.value()) {
    upstream.dial.drafts = listen.drafts;
    server.add_upstream(std::move(upstream));
  }
  if (ready) ready = server.listen(std::move(listen));
  if (!ready) {
    apps::log_error(ready.error().message);
    return apps::kFailure;
  }
  // One line on standard output for whoever started us and waits; everything else goes to the log.
  std::cout << "listening on port " << server.port() << std::endl;
  if (identity->development_fingerprint()) {
    std::cout << "development certificate SHA-256 " << *identity->development_fingerprint() << std::endl;
  }
  loop.run();

  server.join();
  const auto counters = server.counters();
  apps::log_info("delivered " + std::to_string(counters.objects_delivered) + " objects (" +
                 std::to_string(counters.bytes_delivered) + " bytes) of " + std::to_string(counters.objects_received) +
                 " received; answered " + std::to_string(counters.fetches) + " fetches, " +
                 std::to_string(counters.fetch_hits) + " out of the cache");
  apps::SkipLog::conclude(counters);
  return apps::kSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A relay for Media over QUIC Transport (" + apps::spoken_drafts() + ")", "moqt-relay");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? apps::kSuccess : apps::kUsage;
  }
  return apps::run_process("moqt-relay", options.log_level, [&] { return run(options); });
}

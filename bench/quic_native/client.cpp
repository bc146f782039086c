#include "client.h"

#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "connection_jobs.h"
#include "datagram_job.h"
#include "process_usage.h"
#include "protocol.h"
#include "stream_jobs.h"

namespace msquic_py::bench {

namespace {

Outcome run_job(const MsQuicApi& api, std::uint16_t port, const std::string& job, std::uint64_t count,
                std::uint64_t parallel) {
  if (job == kBulkSend) return send_bulk(api, port, count);
  if (job == kBulkReceive) return receive_bulk(api, port, count);
  if (job == kRequests) return send_requests(api, port, count, parallel);
  if (job == kDatagrams) return send_datagrams(api, port, count, parallel);
  if (job == kHandshakes) return ConnectionCrowd(api, port, count, ConnectionCrowd::Use::kCloseAtOnce).run(parallel);
  throw std::runtime_error("there is no job '" + job + "'");
}

}  // namespace

void run_commands(const MsQuicApi& api, std::uint16_t port, std::istream& commands) {
  std::unique_ptr<ConnectionCrowd> held;
  for (std::string line; std::getline(commands, line);) {
    if (held) held->release();
    held.reset();
    std::istringstream words(line);
    std::string job;
    std::uint64_t count = 0;
    std::uint64_t parallel = 1;
    if (!(words >> job >> count) || count == 0) throw std::runtime_error("a command is a job and a count");
    words >> parallel;
    if (parallel == 0) throw std::runtime_error("at least one has to be under way");
    const double cpu_before = cpu_seconds();
    Outcome outcome;
    if (job == "hold") {
      held = std::make_unique<ConnectionCrowd>(api, port, count, ConnectionCrowd::Use::kHold);
      outcome = held->run(parallel);
    } else {
      outcome = run_job(api, port, job, count, parallel);
    }
    std::printf("{\"job\": \"%s\", \"done\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"cpu\": %.6f}\n", job.c_str(),
                static_cast<unsigned long long>(outcome.done), static_cast<unsigned long long>(outcome.lost),
                outcome.seconds, cpu_seconds() - cpu_before);
    std::fflush(stdout);
  }
  if (held) held->release();
}

}  // namespace msquic_py::bench

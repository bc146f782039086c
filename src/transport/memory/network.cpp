#include "transport/memory/network.h"

#include <utility>

#include "transport/memory/endpoint.h"
#include "transport/memory/handles.h"

namespace msquic_py::transport::memory {

Network::Joined Network::connect(const LinkOptions& options, std::shared_ptr<ConnectionHandler> client,
                                 std::shared_ptr<ConnectionHandler> server) {
  auto link = std::make_shared<Link>(timeline_, options.seed.value_or(random_.next()), options);
  const auto client_end = std::make_shared<Endpoint>(link, /*server=*/false, std::move(client));
  const auto server_end = std::make_shared<Endpoint>(link, /*server=*/true, std::move(server));
  client_end->join(server_end);
  server_end->join(client_end);
  link->join(client_end, server_end);
  const Duration round_trip = options.to_server.latency + options.to_client.latency;
  client_end->connect_after(round_trip);
  server_end->connect_after(round_trip + options.to_server.latency);
  return {std::make_unique<ConnectionOfMemory>(client_end), std::make_unique<ConnectionOfMemory>(server_end),
          std::move(link)};
}

}  // namespace msquic_py::transport::memory

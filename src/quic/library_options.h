#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace msquic_py::quic {

/// What a server writes into its connection IDs, so that a load balancer can tell its packets.
enum class LoadBalancing : std::uint16_t {
  Disabled = 0,
  ServerIdIp = 1,     ///< the last four bytes of the server's IP address
  ServerIdFixed = 2,  ///< LibraryOptions::fixed_server_id
};

/// Settings of MsQuic for the whole process. An absent field keeps what was set before, at first the default.
struct LibraryOptions {
  /// Worker threads, 1 to the number of processors. Default: as many as this process may use, at most 8. Only before
  /// the first registration.
  std::optional<std::uint16_t> workers;
  /// Only before the first registration.
  std::optional<LoadBalancing> load_balancing;
  std::optional<std::uint32_t> fixed_server_id;
  /// Of all memory, in units of 1/65535: when handshakes hold more than that, servers ask clients to prove their
  /// address (Retry). Default 65, 0.1 percent; 0: always.
  std::optional<std::uint16_t> retry_memory_limit;
  /// A worker that is behind by more than that refuses new connections. Default 250.
  std::optional<std::uint32_t> max_worker_queue_delay_ms;
  /// Answers without a connection (Retry, version negotiation, stateless reset) that wait for a worker. Default 16.
  std::optional<std::uint32_t> max_stateless_operations;
  /// The same for one port. Default 100.
  std::optional<std::uint16_t> max_binding_stateless_operations;
  /// For how long the same client gets no other such answer. Default 100.
  std::optional<std::uint16_t> stateless_operation_expiration_ms;
  /// Which QUIC versions servers of this process speak, and clients unless their configuration says otherwise: 1
  /// (RFC 9000), 0x6b3343cf (version 2, RFC 9369), or both. Clients with another one are told which there are; those
  /// that know the first one are moved to it (RFC 9368). Default: MsQuic's, both and version 1 for clients.
  std::optional<std::vector<std::uint32_t>> quic_versions;
  /// A secret from which the tokens of stateless resets are made (RFC 9000 section 10.3). A server that was restarted
  /// with the key that it had tells its former clients at once that their connections are gone; otherwise they wait for
  /// a timeout. Default: random ones. Not for several servers behind one address: who has it can end each other's
  /// connections.
  std::optional<std::array<std::uint8_t, 32>> stateless_reset_key;
};

}  // namespace msquic_py::quic

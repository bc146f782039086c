#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "moqt/session/session.h"
#include "relay/peer.h"
#include "relay/relay.h"
#include "transport/connection.h"
#include "transport/connection_handler.h"
#include "transport/memory/timeline.h"

namespace msquic_py::simulation {

namespace ms = moqt::session;

/// A session on its carrier, without a loop, a thread or a clock of its own. Events of the carrier go into the session
/// as they come; what the session then wants is performed when its owner says so.
class SessionEnd final : public transport::ConnectionHandler, public relay::Outlet {
 public:
  static constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

  SessionEnd(transport::memory::Timeline& timeline, ms::SessionConfig config, moqt::Draft draft = moqt::Draft::k15);
  void attach(transport::ConnectionHandle connection) { connection_ = std::move(connection); }

  [[nodiscard]] ms::Session& session() noexcept { return session_; }
  [[nodiscard]] const ms::Session& session() const noexcept { return session_; }
  [[nodiscard]] bool over() const noexcept { return closed_.has_value(); }
  [[nodiscard]] const transport::CloseReason& close_reason() const { return *closed_; }
  /// Streams of either side that have not ended, without those of requests and of control messages.
  [[nodiscard]] std::size_t open_streams() const noexcept;
  /// Bytes that were given to the carrier and not reported as sent.
  [[nodiscard]] std::size_t unsent_bytes() const noexcept { return unsent_; }

  /// Streams that have some of them.
  [[nodiscard]] std::size_t unsent_streams() const noexcept { return unsent_of_.size(); }

  /// The latest report of the carrier.
  [[nodiscard]] const std::optional<transport::Report>& report() const noexcept { return report_; }
  [[nodiscard]] bool at_rest() const noexcept { return unsent_ == 0 && open_streams() == 0 && !session_.has_unsent(); }
  /// How often the session has asked the peer to stop sending a stream.
  [[nodiscard]] std::size_t stops() const noexcept { return stops_; }

  void make_ready() override { ready_ = true; }
  /// Whether something has happened since the last call.
  [[nodiscard]] bool take_ready() noexcept { return std::exchange(ready_, false); }
  void pass_deadline();
  /// Whether there was any.
  bool perform_actions();
  void close(moqt::SessionErrorCode code, std::string_view reason);
  /// Lets `relay`, which knows the session as `peer`, and the session have their turns. Whether anything happened.
  bool take_turns(relay::Relay& relay, relay::Relay::PeerNumber peer, ms::Time now);

  /// So many more bytes of data streams are read, kEverything without end; the peer is held back beyond.
  void read(std::uint64_t bytes);
  [[nodiscard]] bool reads_everything() const noexcept { return readable_ == kEverything; }

  /// Asked about each send of a data stream: true makes the carrier lose it although it says that it was sent. For
  /// tests of the simulation itself.
  std::function<bool(const ms::SendStream&)> loses;

  void on_connected(const transport::Capabilities& capabilities) noexcept override;
  void on_closed(const transport::CloseReason& reason) noexcept override;
  [[nodiscard]] bool wants_reports() const noexcept override { return true; }
  void on_report(const transport::Report& report) noexcept override;
  void on_streams_admitted(std::uint64_t bidirectional) noexcept override {
    session_.on_request_streams_admitted(bidirectional);
    make_ready();
  }
  std::optional<transport::StreamKey> on_peer_stream(transport::PeerStream stream) noexcept override;
  std::uint64_t on_received(transport::StreamKey stream, const transport::ReceivedData& data) noexcept override;
  void on_sent(transport::StreamKey stream, std::uint64_t token, bool canceled) noexcept override;
  void on_peer_reset(transport::StreamKey stream, std::uint64_t code) noexcept override;
  void on_peer_stop(transport::StreamKey stream, std::uint64_t code) noexcept override;
  void on_stream_closed(transport::StreamKey stream, bool with_connection) noexcept override;
  void on_datagram_size(std::size_t largest) noexcept override;
  void on_datagram(base::Bytes datagram) noexcept override;
  void on_datagram_sent(std::uint64_t token, bool canceled) noexcept override;

 private:
  void perform(ms::SendControl& action);
  void perform(ms::OpenRequestStream& action);
  void perform(ms::SendRequest& action);
  void perform(ms::ResetRequest& action);
  void perform(ms::StopRequest& action);
  void perform(ms::OpenStream& action);
  void perform(ms::PrioritizeStream& action);
  void perform(ms::SendStream& action);
  void perform(ms::ResetStream& action);
  void perform(ms::StopSending& action);
  void perform(ms::PauseStream& action);
  void perform(ms::ResumeStream& action);
  void perform(ms::SendDatagram& action);
  void perform(ms::CloseSession& action);
  void perform(std::monostate&) {}
  [[nodiscard]] ms::Time now() const noexcept { return timeline_.now(); }
  /// Whether it is the peer's control stream, where each side has one: the first unidirectional one that it opens.
  [[nodiscard]] bool is_peers_control(std::uint64_t incoming) const noexcept {
    return incoming < 4 && moqt::has_own_control_streams(session_.draft());
  }

  transport::memory::Timeline& timeline_;
  ms::Session session_;
  transport::ConnectionHandle connection_;
  transport::StreamHandle control_;
  std::map<ms::RequestStreamId, transport::StreamHandle> requests_;
  std::map<std::uint64_t, transport::StreamHandle> incoming_;
  std::map<std::uint64_t, transport::StreamHandle> outgoing_;
  std::set<std::uint64_t> paused_;
  std::set<std::uint64_t> held_;  ///< the session wants no more of them for now
  std::uint64_t readable_ = kEverything;
  std::size_t unsent_ = 0;
  std::map<std::uint64_t, std::size_t> unsent_of_;  ///< by stream, without those that have none
  std::size_t stops_ = 0;
  std::optional<transport::Report> report_;
  std::optional<transport::CloseReason> closed_;
  bool ready_ = true;
};

/// Gives every event that the session has ready to `handle`, which may make `end` null. Whether there was any.
template <class Handle>
bool take_events(SessionEnd* const& end, Handle handle) {
  bool any = false;
  ms::Event event;
  while (end != nullptr && end->session().poll_event(event)) {
    any = true;
    handle(event);
  }
  return any;
}

}  // namespace msquic_py::simulation

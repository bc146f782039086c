#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ledger/ledger.h"
#include "hostile/host.h"
#include "hostile/moves.h"
#include "moqt/session/session.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::hostile {

/// Somebody at the other end of a session who says whatever they like, below the session. They hear what it asks of
/// them, so that they can answer, rightly as a rule.
class Peer final : public moqt::objects::Outlet {
 public:
  /// `host` has the session, which is the server's or the client's; it lives as long.
  Peer(Host& host, moqt::Draft draft, moqt::Perspective session, moqt::session::Time now, const base::Ledger& ledger);
  ~Peer() override;

  /// One thing that a peer can do.
  void move(Moves& moves, moqt::session::Time now);
  /// What the session and the relay make of it, until nothing is left. Returns whether there was anything.
  bool pump(moqt::session::Time now);
  /// Time has passed.
  void tick(moqt::session::Time now);
  void leave(moqt::session::Time now);
  [[nodiscard]] bool gone() const noexcept { return gone_; }

  void make_ready() override {}

 private:
  /// A request, whoever began it.
  struct Request {
    moqt::wire::ControlMessage begun;
    moqt::session::RequestStreamId stream;  ///< where requests have streams
    bool answered = false;
  };
  /// A stream of objects that this peer writes.
  struct Stream {
    moqt::session::IncomingStreamId id;
    bool has_extensions = false;
    std::optional<std::uint64_t> last_object{};
  };

  void send(moqt::wire::ControlMessage message, moqt::session::RequestStreamId stream, Moves& moves,
            moqt::session::Time now);
  void ask(Moves& moves, moqt::session::Time now);
  void answer(Moves& moves, moqt::session::Time now);
  void go_on(Moves& moves, moqt::session::Time now);
  void end_request_stream(Moves& moves, moqt::session::Time now);
  void send_fetched(const Request& fetch, Moves& moves, moqt::session::Time now);
  void begin_subgroup(Moves& moves, moqt::session::Time now);
  void add_object(Moves& moves, moqt::session::Time now);
  void end_subgroup(Moves& moves, moqt::session::Time now);
  void send_datagram(Moves& moves, moqt::session::Time now);
  void acknowledge();

  void take(moqt::session::Action& action);
  /// What the session has written to its control stream, or to one of a request.
  void hear(base::Bytes bytes, moqt::session::RequestStreamId stream);
  [[nodiscard]] std::uint64_t alias(Moves& moves) noexcept;
  // Streams of a server have odd numbers, and so have its requests.
  [[nodiscard]] moqt::session::IncomingStreamId new_stream() noexcept { return next_stream_++ * 4 + 2 + odd_; }
  [[nodiscard]] moqt::session::RequestStreamId new_request_stream() noexcept { return {next_bidi_++ * 4 + odd_}; }

  Host& host_;
  const moqt::Draft draft_;
  const std::uint64_t odd_;
  const bool request_streams_;
  moqt::session::Session session_;
  bool gone_ = false;
  int closing_ = 0;  ///< the session has closed; so many more things may come before the connection is gone
  std::uint64_t next_request_;
  std::uint64_t next_stream_ = 1;
  std::uint64_t next_bidi_ = 0;
  std::uint64_t next_alias_ = 1;
  std::vector<Request> own_;
  std::vector<Request> asked_;
  std::vector<std::uint64_t> aliases_;  ///< of tracks that this peer publishes
  std::vector<Stream> streams_;
  std::vector<std::pair<moqt::session::StreamHandle, std::size_t>> unacknowledged_;
  std::size_t datagram_bytes_ = 0;
};

}  // namespace msquic_py::hostile

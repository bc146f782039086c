#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "moqt/session/session.h"
#include "runtime/event_loop.h"
#include "runtime/session_user.h"
#include "runtime/transport_inbox.h"
#include "transport/connection.h"

namespace msquic_py::runtime {

/// Drives one session over one connection: transport events in, the session's actions out, its deadlines on the
/// loop's timer. Lives on the loop; it ends itself when the connection is over.
class SessionDriver final : public EventLoop::Participant {
 public:
  struct Options {
    moqt::session::SessionConfig session;
    /// Wall-clock time for the carrier's handshake, whose own timer may only measure silence.
    EventLoop::Clock::duration handshake_timeout = std::chrono::seconds(10);
    /// Between two loops of one relay: nobody's client, and never asked to leave.
    bool inner = false;
  };
  /// Called last, on the loop's thread; destroys the driver.
  using Ended = std::function<void(SessionDriver&, const transport::CloseReason&)>;

  /// `connection` tells `inbox`. `user` must outlive the driver.
  SessionDriver(EventLoop& loop, std::shared_ptr<TransportInbox> inbox, transport::ConnectionHandle connection,
                Options options, SessionUser& user, Ended ended);
  ~SessionDriver() override;

  /// For calls that ask something of the session. Follow them with make_ready(). There is one once the handshake has
  /// told which draft it speaks: from the first SessionUser::on_events() on, see has_session().
  [[nodiscard]] moqt::session::Session& session() noexcept { return *session_; }
  [[nodiscard]] bool has_session() const noexcept { return session_.has_value(); }
  [[nodiscard]] transport::Connection& connection() const noexcept { return *connection_; }
  [[nodiscard]] SessionUser& user() const noexcept { return user_; }
  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
  /// Whether the session ever was established, both SETUPs exchanged.
  [[nodiscard]] bool was_established() const noexcept { return was_established_; }
  /// The handshake is complete.
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// See Options.
  [[nodiscard]] bool inner() const noexcept { return inner_; }
  /// It resumed an earlier session.
  [[nodiscard]] bool resumed() const noexcept { return resumed_; }
  /// Whether the peer has acknowledged everything that was written: closing now loses nothing. What the session still
  /// has to send counts: a stream that was begun and finished just now may not have come to the transport yet.
  [[nodiscard]] bool flushed() const noexcept {
    return outgoing_.empty() && control_unsent_ == 0 && !(session_ && session_->has_unsent());
  }
  /// The user's own record of this session, so that it need not look for one in every turn; null until it sets one.
  [[nodiscard]] void* record() const noexcept { return record_; }
  void set_record(void* record) noexcept { record_ = record; }
  /// Lets the driver send what the session has to send. Any thread.
  void make_ready() { loop_.ready(*this); }
  /// Asks the peer to leave: GOAWAY, as soon as the session is established.
  void goaway(std::string_view new_session_uri);
  /// Ends the connection. on_finished() follows.
  void close(moqt::SessionErrorCode code, std::string_view reason);

  std::optional<EventLoop::Time> turn(EventLoop::Time now) override;
  /// Memory ran out in the middle of a turn: this session ends with INTERNAL_ERROR, the others go on.
  void failed(std::exception_ptr thrown) override;

 private:
  /// The handshake is complete: makes the session.
  void begin(const TransportEvent& event, EventLoop::Time now);
  void handle(TransportEvent& event, EventLoop::Time now);
  void handle_closed(EventLoop::Time now);
  bool perform_actions(EventLoop::Time now);
  void perform(moqt::session::SendControl& action);
  void perform(moqt::session::OpenRequestStream& action);
  void perform(moqt::session::SendRequest& action);
  void perform(moqt::session::ResetRequest& action);
  void perform(moqt::session::StopRequest& action);
  void perform(moqt::session::OpenStream& action);
  void perform(moqt::session::PrioritizeStream& action);
  void perform(moqt::session::SendStream& action);
  void perform(moqt::session::ResetStream& action);
  void perform(moqt::session::StopSending& action);
  void perform(moqt::session::PauseStream& action);
  void perform(moqt::session::ResumeStream& action);
  void perform(moqt::session::SendDatagram& action);
  void perform(moqt::session::CloseSession& action);
  void perform(std::monostate&) {}
  void resume_paused();
  /// `size` more bytes of messages are with the transport.
  void count_control(std::size_t size);
  /// When to look for what was sent and acknowledged although nothing else happens; decides whether to be told.
  std::optional<EventLoop::Time> await_sent(EventLoop::Time now);

  EventLoop& loop_;
  std::shared_ptr<TransportInbox> inbox_;
  transport::ConnectionHandle connection_;
  SessionUser& user_;
  void* record_ = nullptr;
  Ended ended_;
  moqt::session::SessionConfig config_;  ///< until there is a session
  std::optional<moqt::session::Session> session_;
  std::size_t max_datagram_size_ = 0;  ///< of the path
  const bool inner_;
  EventLoop::Time handshake_deadline_;
  bool connected_ = false;
  bool was_established_ = false;
  bool resumed_ = false;
  bool finished_ = false;

  transport::StreamHandle control_;
  std::size_t control_unsent_ = 0;     ///< bytes of messages that the peer has not acknowledged
  std::size_t data_unsent_ = 0;        ///< the same on data streams, and bytes of datagrams that have not left
  std::optional<std::string> goaway_;  ///< to be sent, with this URI
  bool sent_at_once_ = false;          ///< what the inbox has been told
  std::unordered_map<std::uint64_t, transport::StreamHandle> incoming_;
  std::unordered_map<std::uint64_t, transport::StreamHandle> outgoing_;
  std::unordered_map<moqt::session::RequestStreamId, transport::StreamHandle> requests_;
  std::vector<std::uint64_t> paused_;
  std::vector<moqt::session::RequestStreamId> paused_requests_;
  std::vector<TransportEvent> batch_;
};

}  // namespace msquic_py::runtime

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "moqt/pubsub/endpoint.h"
#include "moqt/session/authorization/verdict.h"
#include "moqt_session_channel.h"
#include "moqt_session_fetch.h"
#include "moqt_session_reader.h"
#include "moqt_session_writer.h"
#include "runtime/session_driver.h"

namespace msquic_py::python {

/// One session between the sessions' thread, where it lives, and the Python object that stands for it.
///
/// post() may be called on any thread, everything else on the sessions' thread alone. Python asks with a ticket and
/// gets its answer as a notice with that ticket. When the session is over one Closed notice answers all tickets.
class SessionLink final : public std::enable_shared_from_this<SessionLink> {
 public:
  using Endpoint = moqt::pubsub::Endpoint;
  struct Options {
    moqt::pubsub::EndpointConfig endpoint;
    /// How long a SUBSCRIBE waits for its track to be created before it is refused.
    std::chrono::milliseconds unknown_track_grace{500};
    /// Python allows each request, and the session; otherwise all.
    bool asks_authorization = false;
    /// Python decides which namespaces the peer may announce; otherwise all.
    bool asks_namespaces = false;
    /// The server that gets to know of the session; 0 for a client's.
    std::uint64_t server = 0;
  };

  SessionLink(std::shared_ptr<SessionChannel> channel, std::uint64_t target, Options options);
  ~SessionLink();

  [[nodiscard]] const std::shared_ptr<SessionChannel>& channel() const noexcept { return channel_; }
  [[nodiscard]] std::uint64_t target() const noexcept { return target_; }
  /// Subscriptions to tracks of this side, as of the latest turn. Any thread.
  [[nodiscard]] std::size_t publishing() const noexcept { return publishing_.load(); }
  /// What is kept of tracks is charged to it; null when the session is over. Sessions' thread.
  [[nodiscard]] std::shared_ptr<base::Account> writers() const {
    return driver_ == nullptr ? nullptr : driver_->session().config().writers;
  }
  /// Runs `task` on the sessions' thread once the handshake is complete, unless the session is over by then.
  void post(std::function<void(SessionLink&)> task);
  /// close() on the sessions' thread, in the middle of the handshake, too.
  void post_close(std::uint64_t code, std::string reason, std::chrono::milliseconds patience);

  // ---- life ----

  void attach(runtime::SessionDriver& driver);
  /// The driver has a session now.
  void begin();
  bool on_events(runtime::EventLoop::Time now);
  /// When on_events() has something to do without an event.
  [[nodiscard]] std::optional<runtime::EventLoop::Time> next_deadline() const noexcept {
    return endpoint_ ? endpoint_->next_deadline() : std::nullopt;
  }
  /// The connection is over; the driver goes when this returns.
  void finish(const quic::CloseReason& reason);
  void ticket(base::Bytes ticket);
  /// It never came to a connection.
  void fail(const quic::Error& error);

  // ---- requests ----

  /// Whether the peer may announce a namespace that Asked was about. It may have taken it back meanwhile.
  void answer_namespace(std::uint64_t request, std::optional<moqt::RequestErrorCode> refusal,
                        const std::string& reason);

  /// Python's word on an Authorize notice; `request` 0 is the session. It may come too late.
  void decide(std::uint64_t request, const moqt::session::Verdict& verdict);

  [[nodiscard]] moqt::session::Session& session() { return driver_->session(); }
  /// Remembers whose answer a request's will be.
  void expect(std::uint64_t ticket, const moqt::session::SessionResult<moqt::session::RequestHandle>& request);
  /// Ends what a ticket began: an announcement, a namespace subscription. Unknown tickets are over already.
  void cancel(std::uint64_t ticket);
  void failed(std::uint64_t ticket, moqt::session::SessionError error);
  void answered(std::uint64_t ticket) { notify({.kind = Notice::Kind::Answered, .ticket = ticket}); }

  void create_track(const std::shared_ptr<TrackLink>& track, moqt::FullTrackName name,
                    const moqt::pubsub::TrackOptions& options);
  void publish(const std::shared_ptr<TrackLink>& track, std::uint64_t ticket, bool forward,
               moqt::MessageParameters parameters);
  /// A track of the server that this session belongs to.
  void share(const std::shared_ptr<TrackLink>& track);
  /// Looks after a track until nothing of it waits. False when it is none of this session any more.
  bool watch(TrackLink& track);

  void subscribe(const std::shared_ptr<ReaderLink>& reader, std::uint64_t ticket, moqt::FullTrackName name,
                 moqt::MessageParameters parameters);
  void accept_offer(std::uint64_t offer, const std::shared_ptr<ReaderLink>& reader, std::uint64_t ticket,
                    moqt::MessageParameters parameters);
  void refuse_offer(std::uint64_t offer, moqt::RequestErrorCode code, const std::string& reason);
  /// `new_group`: with NEW_GROUP_REQUEST for the group after the largest one that the reader knows.
  void update(const std::shared_ptr<ReaderLink>& reader, std::uint64_t ticket, moqt::MessageParameters parameters,
              bool new_group);
  void unsubscribe(const std::shared_ptr<ReaderLink>& reader);
  /// GOAWAY on the stream of a request of the peer: a track that it offered, or a namespace that it announced.
  void move(std::uint64_t ticket, moqt::session::RequestHandle request, const std::string& uri);
  void move_namespace(std::uint64_t ticket, const moqt::TrackNamespace& track_namespace, const std::string& uri);

  void fetch(const std::shared_ptr<FetchLink>& fetch, std::uint64_t ticket, moqt::FullTrackName name,
             moqt::FetchRange range, moqt::MessageParameters parameters);
  void join(const std::shared_ptr<FetchLink>& fetch, std::uint64_t ticket, const std::shared_ptr<ReaderLink>& reader,
            moqt::session::JoiningStart start, moqt::MessageParameters parameters);
  void cancel_fetch(const std::shared_ptr<FetchLink>& fetch);
  /// Says Drained when the answer has room, or has ended.
  void drain(const std::shared_ptr<ResponseLink>& response, std::uint64_t ticket);
  /// Python has let go of it.
  void forget(const ResponseLink& response);

 private:
  struct Events;
  /// The deadlines of this class, beside those of the session.
  class Timer;
  /// A request for a track that may be created any moment.
  struct Held {
    moqt::session::RequestHandle request;
    moqt::FullTrackName track;
    runtime::EventLoop::Time deadline;
    bool status = false;                                   ///< TRACK_STATUS, otherwise SUBSCRIBE
    std::shared_ptr<moqt::pubsub::FetchResponse> fetch{};  ///< FETCH, if any
  };
  struct Closing {
    std::uint64_t code = 0;
    std::string reason;
    runtime::EventLoop::Time deadline;
  };

  void notify(Notice notice);
  /// The Python object that a request of ours about a track belongs to; 0 when it is about none.
  [[nodiscard]] std::uint64_t target_of(moqt::session::RequestHandle request) const;
  /// Closes when the peer has everything that was written, or after `patience`.
  void close(std::uint64_t code, std::string reason, std::chrono::milliseconds patience);
  void accept_namespace(moqt::session::RequestHandle request, moqt::TrackNamespace track_namespace);
  void answer_held(const moqt::FullTrackName& track, const std::shared_ptr<moqt::pubsub::TrackWriter>& writer);
  void look_at_expiry(ReaderLink& link);
  void established(std::uint64_t ticket, const moqt::pubsub::TrackReader& reader);
  void tell_subscribers(TrackLink& track);
  void began(const std::shared_ptr<FetchLink>& link, std::uint64_t ticket,
             const moqt::session::SessionResult<std::shared_ptr<moqt::pubsub::FetchReader>>& reader);
  /// Lets Python answer.
  void ask(TrackLink& track, const std::shared_ptr<moqt::pubsub::FetchResponse>& response);
  void drained(ResponseLink& response);
  /// A track that has ended makes room for a new one of the same name.
  void make_room(const moqt::FullTrackName& name);
  void look_after_tracks();
  void look_at_deadlines();
  std::optional<runtime::EventLoop::Time> on_time(runtime::EventLoop::Time now);

  const std::shared_ptr<SessionChannel> channel_;
  const std::uint64_t target_;
  const Options options_;
  runtime::SessionDriver* driver_ = nullptr;
  std::unique_ptr<Endpoint> endpoint_;                      ///< null while there is no session yet
  std::vector<std::function<void(SessionLink&)>> waiting_;  ///< posted before there was one
  std::unique_ptr<Timer> timer_;
  bool connected_ = false;
  bool established_ = false;
  bool over_ = false;
  std::optional<moqt::session::Closed> closed_;
  std::optional<Closing> closing_;

  std::unordered_map<moqt::session::RequestHandle, std::uint64_t> tickets_;
  std::unordered_map<std::uint64_t, moqt::session::RequestHandle> requests_;
  std::unordered_map<moqt::session::RequestHandle, moqt::TrackNamespace> peer_namespaces_;
  std::unordered_map<moqt::session::RequestHandle, moqt::TrackNamespace> asked_namespaces_;
  /// By namespace subscription of ours.
  std::unordered_map<moqt::session::RequestHandle, std::set<moqt::TrackNamespace>> found_namespaces_;
  std::unordered_map<const moqt::pubsub::TrackReader*, std::shared_ptr<ReaderLink>> readers_;
  std::unordered_map<const moqt::pubsub::FetchReader*, std::shared_ptr<FetchLink>> fetches_;
  std::unordered_map<const moqt::pubsub::FetchResponse*, std::shared_ptr<ResponseLink>> responses_;
  std::unordered_map<const moqt::pubsub::TrackWriter*, std::shared_ptr<TrackLink>> tracks_;
  std::vector<std::shared_ptr<TrackLink>> busy_;    ///< of this session alone
  std::vector<std::shared_ptr<TrackLink>> shared_;  ///< with the server's other sessions
  std::vector<Held> held_;
  std::atomic<std::size_t> publishing_{0};
};

}  // namespace msquic_py::python

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ledger/account.h"
#include "base/result.h"
#include "moqt/model/error_codes.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/malformed_track.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/track_namespace.h"
#include "moqt/session/fetch_answer.h"
#include "moqt/session/handles.h"
#include "moqt/session/patience.h"
#include "moqt/session/requests/request_context.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::moqt::session {

class Arrival;
class RequestTable;

using RequestResult = base::Result<void, SessionError>;

enum class RequestKind : std::uint8_t {
  kSubscriptionAsSubscriber,
  kSubscriptionAsPublisher,
  kSubscriptionUpdate,
  kNamespacePublication,
  kNamespaceSubscription,
  kTrackStatus,
  kFetchAsSubscriber,
  kFetchAsPublisher,
  kNamespaceAnnouncement,
  kNamespaceUpdate,
};

/// One request, ours or the peer's, from its first message to its end. All of its rules are in a class derived from
/// this: `admit` says what becomes of one that the peer begins, `refusal` when the application may not begin one, and
/// the overrides which messages and calls it knows. What it does not override is not allowed for it: a message closes
/// the session, a call gets kWrongRole.
class Request {
 public:
  /// Whether the application may still begin one after GOAWAY [d15 §3.5-2].
  static constexpr bool kBeginsAfterGoaway = false;

  Request(RequestContext& context, RequestHandle handle, bool ours) noexcept
      : context_(context), handle_(handle), ours_(ours) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  virtual ~Request() = default;

  [[nodiscard]] virtual RequestKind kind() const noexcept = 0;
  [[nodiscard]] RequestHandle handle() const noexcept { return handle_; }
  /// Whether this endpoint began it.
  [[nodiscard]] bool ours() const noexcept { return ours_; }
  /// What names it on the wire; nothing while a request of ours waits for credit.
  [[nodiscard]] std::optional<wire::RequestReference> reference() const noexcept { return reference_; }
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  /// The request that this one updates, on whose stream it travels; null when it is no update.
  [[nodiscard]] virtual RequestHandle updated() const noexcept { return {}; }

  // ---- beginning ----

  /// For ours: the message that begins it.
  [[nodiscard]] virtual wire::MessageBody first_message() const = 0;
  /// For ours, while it waits for credit: whether there is still a point in sending it.
  [[nodiscard]] virtual bool obsolete() const { return false; }
  /// While it waits: whether it can go out. What others it waits for, the session knows.
  [[nodiscard]] virtual bool ready() const { return true; }
  /// It ends without having been sent, because it is.
  virtual void on_obsolete() {}
  /// What it takes in memory, for as long as it lives.
  void set_memory(base::Charge memory) noexcept { memory_ = std::move(memory); }
  void set_patience(Patience patience) noexcept { patience_ = patience; }
  /// For ours: the application has asked for it; it waits for credit now.
  void asked() const;
  /// For ours: it goes out now.
  virtual void begin(wire::RequestReference reference);
  /// For the peer's: it has come.
  void received(wire::RequestReference reference) noexcept { reference_ = reference; }

  // ---- the peer ----

  virtual void on_request_ok(const wire::RequestOk& message);
  virtual void on_request_error(const wire::RequestError& message);
  virtual void on_subscribe_ok(const wire::SubscribeOk& message);
  virtual void on_publish_ok(const wire::PublishOk& message);
  virtual void on_publish_done(const wire::PublishDone& message);
  virtual void on_fetch_ok(const wire::FetchOk& message);
  /// NAMESPACE, or NAMESPACE_DONE when it is not `published`.
  virtual void on_namespace(const TrackNamespace& suffix, bool published);
  virtual void on_publish_skipped(const wire::PublishSkipped& message);
  virtual void on_publish_state(const wire::PublishStateNotify& message);
  /// REQUEST_UPDATE of what is no subscription; why it cannot be granted, which ends the request. Its tokens have been
  /// resolved.
  virtual std::optional<wire::RequestError> on_request_update(const MessageParameters&) { return std::nullopt; }
  /// The peer has given it up, whichever way the draft has for that.
  virtual void on_cancelled(const Cancellation& cancellation);
  virtual void on_deadline();
  /// The time given with RequestContext::expire_after() is over.
  virtual void on_expiry() {}
  /// How long the subscription lives on after that.
  [[nodiscard]] virtual Duration after_expiry() const noexcept { return Duration::zero(); }
  /// For the peer's: the application allows it for so many milliseconds.
  virtual void limit_time(std::uint64_t /*expires_ms*/) {}
  /// The peer's may be reported now, with this event.
  virtual void on_authorized(Event event) { context_.emit(std::move(event)); }

  // ---- the session ----

  /// It is about to end, whatever the reason.
  virtual void on_end() {}
  /// The last stream that it writes has been closed, or a datagram was the last of it.
  virtual void on_drained() {}
  /// The peer has stopped a stream that it writes.
  virtual void on_stop_sending(StreamHandle stream, std::uint64_t code);

  // ---- the track whose objects it brings to this endpoint ----

  /// Null for a request that brings none.
  [[nodiscard]] virtual const FullTrackName* received_track() const noexcept { return nullptr; }
  /// The track breaks the rules of [d15 §2.4.2].
  virtual void on_malformed(MalformedTrack) {}

  // ---- the application ----

  virtual RequestResult accept(MessageParameters parameters);
  virtual RequestResult reject(RequestErrorCode code, std::string_view reason);
  virtual RequestResult cancel();
  virtual RequestResult accept_fetch(const FetchAnswer& answer, MessageParameters parameters);
  virtual base::Result<StreamHandle, SessionError> open_fetch();
  virtual RequestResult publish_done(PublishDoneCode code, std::string_view reason);
  /// Tells the subscriber of what has changed without an update of its own.
  virtual RequestResult notify_state(MessageParameters changes);
  /// Tells the peer of a namespace below the prefix that it has subscribed to.
  virtual base::Result<RequestHandle, SessionError> announce(TrackNamespace track_namespace, Patience patience);
  /// Tells the peer that its subscribe_tracks() brings no subscription to this track.
  virtual RequestResult skip_publish(const FullTrackName& track);
  /// Takes the acceptance back.
  virtual RequestResult revoke(RequestErrorCode code, std::string_view reason);

 protected:
  /// Ends a request of ours that the application or this endpoint has lost interest in.
  virtual void withdraw();
  /// Sends a message about this request.
  RequestResult send(const wire::MessageBody& body) { return context_.send(*this, body); }
  /// A second answer, or the answer to another kind of request [d15 §5.1].
  void unexpected(std::string_view message);
  /// Takes note of the one answer to a request of ours; false, and the session closes, when it is not the first.
  bool take_answer(std::string_view message);
  /// `take_answer` for REQUEST_ERROR, whose Redirect has no URI when a server receives it (draft-18 section 10.6.1).
  bool take_refusal(const wire::RequestError& message);
  /// Tells the application of a REQUEST_ERROR.
  void tell_rejected(const wire::RequestError& message) const;
  /// Whether the application may answer now.
  [[nodiscard]] RequestResult may_answer() const;

  RequestContext& context_;
  bool answered_ = false;

 private:
  [[nodiscard]] Duration patience() const;

  base::Charge memory_;
  Patience patience_;
  RequestHandle handle_;
  bool ours_;
  std::optional<wire::RequestReference> reference_;
};

/// The request as one of that class; null when there is none, or it is of another class.
template <class T>
T* as(Request* request) noexcept {
  return request != nullptr && request->kind() == T::kKind ? static_cast<T*>(request) : nullptr;
}
template <class T>
const T* as(const Request* request) noexcept {
  return request != nullptr && request->kind() == T::kKind ? static_cast<const T*>(request) : nullptr;
}

/// Whether they have a property of the track that nobody may pass over who does not understand it (draft-18 section
/// 2.5.1); none of these is understood here.
bool demands_understanding(const MessageParameters& parameters, const RequestRules& rules) noexcept;
inline constexpr std::string_view kNotUnderstood = "the track has a property that is mandatory and not understood here";

/// Whether the peer takes no such Range Filters, as far as its SETUP has come (draft-22 section 9.1.6).
bool too_many_ranges(const MessageParameters& parameters, const RequestTable& requests);

/// Whether they have a filter whose range ends before it starts.
bool range_reversed(const MessageParameters& parameters) noexcept;

/// What the answer to a request with `asked` says, of what the application gives: without the properties of the track
/// when the peer wants none (INCLUDE_PROPERTIES, draft-22 section 9.20.21).
MessageParameters answer_to(const MessageParameters& asked, MessageParameters given);

/// At most `limit` bytes of `text`, cut between UTF-8 sequences.
std::string cut_reason(std::string_view text, std::size_t limit = 1024);

}  // namespace msquic_py::moqt::session

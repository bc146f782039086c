#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "moqt/model/fetch_range.h"
#include "moqt/session/fetch_answer.h"
#include "moqt/session/joining_start.h"
#include "moqt/session/published_subscription.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

class SubscriptionAsPublisher;

/// A FETCH of the peer (sections 5.2, 9.16 to 9.18): one answer and one stream, in either order. It is over when both
/// are. Or a fill of a subscription (draft-22 section 3.4), which is its stream alone: what fails is reset.
class FetchAsPublisher final : public Request {
 public:
  FetchAsPublisher(RequestContext& context, RequestHandle handle, bool ours, wire::Fetch message)
      : Request(context, handle, ours), message_(std::move(message)) {}
  /// A fill of `subscription`, whose stream carries that Request ID. `message` has its range, which is valid.
  FetchAsPublisher(RequestContext& context, RequestHandle handle, RequestHandle subscription, std::uint64_t request_id,
                   wire::Fetch message)
      : Request(context, handle, /*ours=*/false),
        message_(std::move(message)),
        filled_(subscription),
        id_(request_id) {}

  /// FETCH of the peer that begins so many groups before the next one, of a track of which nothing is known here.
  FetchAsPublisher(RequestContext& context, RequestHandle handle, bool ours, wire::Fetch message,
                   std::uint64_t groups_back)
      : Request(context, handle, ours), message_(std::move(message)), groups_back_(groups_back) {}

  /// FETCH of the peer.
  static void admit(const Arrival& arrival, const wire::Fetch& message);

  static constexpr RequestKind kKind = RequestKind::kFetchAsPublisher;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }

  /// Without `room` it fails at once.
  void begin_fill(bool room);
  /// The subscription that it fills is over.
  void abandon() { end_by(FetchCancelled::Cause::kFetchCancel); }

  /// The subscription that it joins is established; or has ended, and never was.
  void on_joined(const SubscriptionAsPublisher& subscription);
  void on_joined_ended();

  [[nodiscard]] wire::MessageBody first_message() const override { return message_; }
  std::optional<wire::RequestError> on_request_update(const MessageParameters& parameters) override;
  void on_cancelled(const Cancellation& cancellation) override;
  void on_stop_sending(StreamHandle stream, std::uint64_t code) override;
  void on_drained() override;
  void on_end() override;

  /// Where the largest object lies; see Session::resolve_fetch().
  base::Result<FetchRange, SessionError> resolve(Location largest);
  base::Result<StreamHandle, SessionError> open_fetch() override;
  RequestResult accept_fetch(const FetchAnswer& answer, MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  /// It has just come. `joined` is the subscription that it names; null when there is none.
  void receive(SubscriptionAsPublisher* joined);
  void report(const FullTrackName& track, FetchRange range, RequestHandle joined);
  void end_by(FetchCancelled::Cause cause);
  void forget();
  /// Ends a fill as an answer ends a FETCH: the stream has its header, and no more.
  void fail_fill();

  wire::Fetch message_;
  RequestHandle filled_;  ///< null for a FETCH
  std::uint64_t id_ = 0;  ///< of a fill
  FetchRange range_;
  std::optional<std::uint64_t> groups_back_;  ///< nothing, too, once that has been resolved
  /// What the scheduler goes by: the subscriber's priority and group order. Nothing else of it counts for a fetch.
  PublishedSubscription view_;
  bool announced_ = false;  ///< the application knows of it
};

}  // namespace msquic_py::moqt::session

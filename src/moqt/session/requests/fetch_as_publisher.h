#pragma once

#include <cstdint>
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
/// are.
class FetchAsPublisher final : public Request {
 public:
  FetchAsPublisher(RequestContext& context, RequestHandle handle, bool ours, wire::Fetch message)
      : Request(context, handle, ours), message_(std::move(message)) {}

  /// FETCH of the peer.
  static void admit(const Arrival& arrival, const wire::Fetch& message);

  static constexpr RequestKind kKind = RequestKind::kFetchAsPublisher;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }

  /// The subscription that it joins is established; or has ended, and never was.
  void on_joined(const SubscriptionAsPublisher& subscription);
  void on_joined_ended();

  [[nodiscard]] wire::MessageBody first_message() const override { return message_; }
  std::optional<wire::RequestError> on_request_update(const MessageParameters& parameters) override;
  void on_cancelled(const Cancellation& cancellation) override;
  void on_stop_sending(StreamHandle stream, std::uint64_t code) override;
  void on_drained() override;

  base::Result<StreamHandle, SessionError> open_fetch() override;
  RequestResult accept_fetch(const FetchAnswer& answer, MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;

 private:
  /// It has just come. `joined` is the subscription that it names; null when there is none.
  void receive(SubscriptionAsPublisher* joined);
  void announce(const FullTrackName& track, FetchRange range, RequestHandle joined);
  void end_by(FetchCancelled::Cause cause);
  void forget();

  wire::Fetch message_;
  FetchRange range_;
  /// What the scheduler goes by: the subscriber's priority and group order. Nothing else of it counts for a fetch.
  PublishedSubscription view_;
  bool announced_ = false;  ///< the application knows of it
};

}  // namespace msquic_py::moqt::session

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "moqt/model/subscription_filter.h"
#include "moqt/session/published_subscription.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// A subscription whose objects this endpoint sends: begun by the peer's SUBSCRIBE or by our PUBLISH [d15 §5.1].
class SubscriptionAsPublisher final : public Request {
 public:
  SubscriptionAsPublisher(RequestContext& context, RequestHandle handle, bool ours, FullTrackName track,
                          MessageParameters parameters);

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const FullTrackName& track,
                                                           const MessageParameters& parameters);
  /// SUBSCRIBE of the peer.
  static void admit(const Arrival& arrival, const wire::Subscribe& message);

  static constexpr RequestKind kKind = RequestKind::kSubscriptionAsPublisher;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const PublishedSubscription& view() const noexcept { return view_; }
  [[nodiscard]] PublishedSubscription& view() noexcept { return view_; }

  [[nodiscard]] wire::MessageBody first_message() const override;
  void begin(wire::RequestReference reference) override;
  void on_publish_ok(const wire::PublishOk& message) override;
  void on_request_error(const wire::RequestError& message) override;
  void on_cancelled(const Cancellation& cancellation) override;
  void on_expiry() override;
  void limit_time(std::uint64_t expires_ms) override { allowed_ms_ = std::max<std::uint64_t>(expires_ms, 1); }
  /// SUBSCRIBE_UPDATE was accepted: the time that EXPIRES gives begins anew, or is another one from now on.
  void renew(std::optional<std::uint64_t> expires_ms);
  void on_drained() override;

  /// Whether SUBSCRIBE_UPDATE may ask for this: the start must not decrease [d15 §9.11].
  [[nodiscard]] bool allows(const MessageParameters& update) const noexcept;
  /// `largest`: what a relative filter counts from.
  void apply_update(const MessageParameters& update, std::optional<Location> largest);
  /// What FILL_PARAMETERS of SUBSCRIBE or of an update ask for, if there is anything (draft-22 section 3.4). The filter
  /// of the message is that of the subscription now.
  void begin_fill(const MessageParameters& parameters, std::uint64_t request_id);
  void on_fill_ended(RequestHandle fill, std::uint64_t streams);
  void add_pending_update(RequestHandle update, const MessageParameters& parameters);
  void remove_pending_update(RequestHandle update) { std::erase(pending_updates_, update); }

  /// Whether a joining FETCH may join it: the subscriber asked for the filter Largest Object [d15 §9.16.2], or the
  /// draft asks for Forward State 1 only. Not known of a PUBLISH before its answer.
  [[nodiscard]] bool joinable() const noexcept {
    return context_.rules().joining == Joining::kAtLargestObject ? starts_at_largest_ : view_.forward;
  }
  /// A joining FETCH has come ahead of the answer, for which it waits.
  void add_joining_fetch(RequestHandle fetch) { joining_fetches_.push_back(fetch); }

  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;
  RequestResult publish_done(PublishDoneCode code, std::string_view reason) override;
  RequestResult notify_state(MessageParameters changes) override;

 private:
  /// Takes our PUBLISH back with PUBLISH_DONE.
  void withdraw() override;
  void apply(const MessageParameters& parameters);
  /// Takes over what the parameters say of the delivery timeouts, as the publisher or as the subscriber.
  void take_timeouts(const MessageParameters& parameters, std::optional<ParameterScope> scope,
                     std::uint64_t DeliveryTimeout::*whose) noexcept;
  /// The subscription is over: what was still asked of it gets its one answer.
  void refuse_pending_updates();
  /// Those that waited go on, or are refused when the subscription has not come to be.
  void release_joining_fetches();
  void end_fills();
  void abort();

  MessageParameters parameters_;  ///< of SUBSCRIBE or PUBLISH, as sent
  PublishedSubscription view_;
  std::optional<SubscriptionFilter> filter_;  ///< until it can be resolved
  std::optional<SubscriptionFilter> asked_filter_;
  std::optional<wire::PublishDone> done_;
  std::vector<RequestHandle> pending_updates_;
  std::vector<RequestHandle> joining_fetches_;
  std::vector<RequestHandle> fills_;
  Location asked_start_{};  ///< the latest absolute start in a SUBSCRIBE_UPDATE, answered or not
  /// The shorter one of what the application gives and what is allowed (Verdict::expires_ms); 0: no end.
  [[nodiscard]] std::uint64_t time() const noexcept;

  std::uint64_t expires_ms_ = 0;  ///< EXPIRES as the application gives it; 0: no end
  std::optional<std::uint64_t> allowed_ms_;
  bool starts_at_largest_ = false;
};

}  // namespace msquic_py::moqt::session

#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "moqt/model/full_track_name.h"
#include "moqt/model/malformed_track.h"
#include "moqt/session/data/wanted_objects.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// A subscription whose objects this endpoint receives: begun by our SUBSCRIBE or by the peer's PUBLISH [d15 §5.1].
class SubscriptionAsSubscriber final : public Request {
 public:
  SubscriptionAsSubscriber(RequestContext& context, RequestHandle handle, bool ours, FullTrackName track,
                           MessageParameters parameters)
      : Request(context, handle, ours), track_(std::move(track)), parameters_(std::move(parameters)) {
    forward_ = parameters_.forward().value_or(true);
    if (ours) filter_ = parameters_.filter();
  }

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const FullTrackName& track,
                                                           const MessageParameters& parameters);
  /// PUBLISH of the peer: takes its alias, reports it, then delivers what came ahead of it.
  static void admit(const Arrival& arrival, const wire::Publish& message);

  static constexpr RequestKind kKind = RequestKind::kSubscriptionAsSubscriber;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const FullTrackName& track() const noexcept { return track_; }
  [[nodiscard]] const FullTrackName* received_track() const noexcept override { return &track_; }
  /// Nothing before the publisher has named it.
  [[nodiscard]] std::optional<std::uint64_t> track_alias() const noexcept { return track_alias_; }
  [[nodiscard]] bool established() const noexcept { return answered() && !done_; }
  /// Whether PUBLISH_DONE has come: the publisher has forgotten it, and only late objects are awaited.
  [[nodiscard]] bool draining() const noexcept { return done_.has_value(); }
  /// Whether a joining FETCH may join it: it asked for the filter Largest Object [d15 §9.16.2], or for objects at all.
  [[nodiscard]] bool joinable(const RequestRules& rules) const noexcept {
    if (rules.joining != Joining::kAtLargestObject) return forward_;
    return filter_ && filter_->type == FilterType::kLargestObject;
  }
  /// Whether `parameters` may be sent of this subscription: NEW_GROUP_REQUEST only where DYNAMIC_GROUPS is 1.
  [[nodiscard]] bool may_ask(const MessageParameters& parameters) const noexcept {
    return dynamic_groups_ || !parameters.new_group_request();
  }
  /// Whether a SUBSCRIBE_UPDATE with that filter would begin earlier than what has been asked for, where that is not
  /// allowed.
  [[nodiscard]] bool begins_earlier(const std::optional<SubscriptionFilter>& filter) const noexcept;
  /// An update with these has been made.
  void note_update(const MessageParameters& update) noexcept;
  /// LARGEST_OBJECT of SUBSCRIBE_OK or PUBLISH.
  [[nodiscard]] std::optional<Location> largest_at_establishment() const noexcept { return largest_; }

  [[nodiscard]] wire::MessageBody first_message() const override;
  void on_subscribe_ok(const wire::SubscribeOk& message) override;
  void on_publish_done(const wire::PublishDone& message) override;
  void on_publish_state(const wire::PublishStateNotify& message) override;
  void on_authorized(Event event) override;
  void on_deadline() override;
  void on_expiry() override;
  [[nodiscard]] Duration after_expiry() const noexcept override;
  /// The publisher has accepted an update, with EXPIRES or without: its time begins anew.
  void renewed(std::optional<std::uint64_t> expires_ms);
  /// The data plane has finished with one of its streams.
  void on_stream_ended() { check_done(); }
  /// Our SUBSCRIBE is on its way: its objects may be here before its answer.
  void expect_objects() { context_.incoming().expect(handle(), track_); }
  /// PUBLISH_DONE has come, and what it waits for has not.
  [[nodiscard]] bool waits_for_streams() const noexcept { return done_.has_value() && answered(); }
  /// Nothing comes any more.
  void stop_waiting() { report_done(); }
  /// What that PUBLISH_DONE says, and which of its streams have not come.
  [[nodiscard]] SubscriptionDone over() const;
  void on_malformed(MalformedTrack reason) override;

  /// An update of ours for it is with the publisher, or is no more.
  void add_update(RequestHandle update);
  void remove_update(RequestHandle update);
  /// The publisher has accepted an update, or tells of a change of its own: `largest` is what relative filters of it
  /// count from.
  void apply(const MessageParameters& change, std::optional<Location> largest);
  void on_end() override;

  RequestResult accept(MessageParameters parameters) override;
  RequestResult reject(RequestErrorCode code, std::string_view reason) override;
  RequestResult cancel() override;

 private:
  void withdraw() override;
  /// The timeouts in the parameters may be longer than what has been named so far.
  void note_timeouts(const MessageParameters& parameters) noexcept;
  void on_publish(std::uint64_t track_alias);
  /// What of the answer to a PUBLISH has to be said in a REQUEST_UPDATE, and is no more in `parameters`.
  [[nodiscard]] MessageParameters take_wishes(MessageParameters& parameters) const;
  [[nodiscard]] bool take_alias(std::uint64_t alias, const MessageParameters& parameters);
  /// Subscriptions that PUBLISH_DONE has ended give up their alias, and what they were still waiting for.
  void evict_ended(std::uint64_t alias);
  void report_done();
  /// Ends the subscription when PUBLISH_DONE has come and its streams have been read or given up on [d15 §9.15].
  void check_done();

  FullTrackName track_;
  MessageParameters parameters_;
  std::optional<SubscriptionFilter> filter_;  ///< of SUBSCRIBE or PUBLISH_OK
  WantedObjects wanted_;                      ///< as far as the publisher has said that it knows
  std::optional<Location> largest_;
  Location start_;  ///< of what has been asked for, as far as it is known here
  std::optional<std::uint64_t> track_alias_;
  std::optional<std::uint64_t> offered_alias_;  ///< of a PUBLISH that may not be reported yet
  std::optional<wire::PublishDone> done_;
  std::vector<RequestHandle> updates_;     ///< SUBSCRIBE_UPDATEs of ours without an answer
  std::uint64_t delivery_timeout_ms_ = 0;  ///< the longest that either endpoint has named
  std::uint64_t expires_ms_ = 0;           ///< what the publisher gives it; 0: no end is known
  bool ends_itself_ = false;  ///< our PUBLISH_OK gave it a time, after which it is UNSUBSCRIBE that ends it
  bool expiring_ = false;     ///< two thirds of the publisher's time are over
  bool done_timer_over_ = false;
  bool forward_ = true;          ///< as last asked for
  bool dynamic_groups_ = false;  ///< what SUBSCRIBE_OK or PUBLISH said
};

}  // namespace msquic_py::moqt::session

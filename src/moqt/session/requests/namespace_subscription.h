#pragma once

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "moqt/model/track_namespace.h"
#include "moqt/session/namespace_interest.h"
#include "moqt/session/requests/namespace_announcement.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// SUBSCRIBE_NAMESPACE, from either side (sections 6.1, 9.23, 9.24), and SUBSCRIBE_TRACKS (section 10.19 of draft-18).
class NamespaceSubscription final : public Request {
 public:
  NamespaceSubscription(RequestContext& context, RequestHandle handle, bool ours, TrackNamespace prefix,
                        MessageParameters parameters, NamespaceInterest interest)
      : Request(context, handle, ours),
        prefix_(std::move(prefix)),
        parameters_(std::move(parameters)),
        interest_(interest) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const TrackNamespace& prefix,
                                                           const MessageParameters& parameters,
                                                           NamespaceInterest interest);
  /// SUBSCRIBE_NAMESPACE or SUBSCRIBE_TRACKS of the peer.
  static void admit(const Arrival& arrival, const wire::SubscribeNamespace& message);
  static void admit(const Arrival& arrival, const wire::SubscribeTracks& message);

  static constexpr RequestKind kKind = RequestKind::kNamespaceSubscription;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const TrackNamespace& prefix() const noexcept { return prefix_; }
  [[nodiscard]] NamespaceInterest interest() const noexcept { return interest_; }
  /// The other one that lead() has joined to it; null without one.
  [[nodiscard]] RequestHandle led() const noexcept { return tracks_; }
  /// An update has been accepted: what was told of lies behind another prefix now. What the peer has been told of is to
  /// be told again; of what it told, namespaces that lie elsewhere are lost.
  void change_prefix(const TrackNamespace& prefix);
  /// An update of it is on its way, or waits for its answer, or is no more.
  void add_update(RequestHandle update) { updates_.push_back(update); }
  void remove_update(RequestHandle update) { std::erase(updates_, update); }
  /// Whether it is the same kind of request, and one prefix is equal to, or a beginning of, the other.
  [[nodiscard]] bool overlaps(const TrackNamespace& other, NamespaceInterest interest) const noexcept {
    return (interest_ == interest || !context_.rules().tracks_apart) &&
           (prefix_.is_prefix_of(other) || other.is_prefix_of(prefix_));
  }

  [[nodiscard]] wire::MessageBody first_message() const override;
  void on_request_ok(const wire::RequestOk& message) override;
  void on_request_error(const wire::RequestError& message) override;
  void on_deadline() override;
  /// `tracks` was asked for together with this one: it says nothing to the application, and ends with this one.
  void lead(NamespaceSubscription& tracks) noexcept;
  void on_namespace(const TrackNamespace& suffix, bool published) override;
  void on_publish_skipped(const wire::PublishSkipped& message) override;
  void on_cancelled(const Cancellation& cancellation) override;
  void on_end() override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult cancel() override;
  base::Result<RequestHandle, SessionError> announce(TrackNamespace track_namespace, Patience patience) override;
  RequestResult skip_publish(const FullTrackName& track) override;
  /// NAMESPACE_DONE.
  void withdraw(const NamespaceAnnouncement& announcement);
  using Request::withdraw;

 private:
  static void admit(const Arrival& arrival, const TrackNamespace& prefix, const MessageParameters& parameters,
                    NamespaceInterest interest);
  /// What lies behind the prefix in a namespace.
  [[nodiscard]] TrackNamespace suffix_of(const TrackNamespace& track_namespace) const;
  [[nodiscard]] TrackNamespace with_prefix(const TrackNamespace& suffix) const;

  TrackNamespace prefix_;
  MessageParameters parameters_;
  NamespaceInterest interest_;
  RequestHandle tracks_;  ///< that this one leads
  RequestHandle leader_;
  std::set<TrackNamespace> found_;            ///< for ours: suffixes of which NAMESPACE has come
  std::vector<RequestHandle> announcements_;  ///< for the peer's: what it has been told of
  std::vector<RequestHandle> updates_;
};

}  // namespace msquic_py::moqt::session

#pragma once

#include <utility>

#include "moqt/model/full_track_name.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// TRACK_STATUS, from either side [d15 §9.19]: a question, ended by its answer. It has no cancelling message.
class TrackStatusRequest final : public Request {
 public:
  TrackStatusRequest(RequestContext& context, RequestHandle handle, bool ours, FullTrackName track,
                     MessageParameters parameters)
      : Request(context, handle, ours), track_(std::move(track)), parameters_(std::move(parameters)) {}

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const FullTrackName& track,
                                                           const MessageParameters& parameters);
  /// TRACK_STATUS of the peer.
  static void admit(const Arrival& arrival, const wire::TrackStatus& message);

  static constexpr RequestKind kKind = RequestKind::kTrackStatus;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] wire::MessageBody first_message() const override;
  void on_request_ok(const wire::RequestOk& message) override;
  RequestResult accept(MessageParameters parameters) override;
  RequestResult cancel() override;

 private:
  FullTrackName track_;
  MessageParameters parameters_;
};

}  // namespace msquic_py::moqt::session

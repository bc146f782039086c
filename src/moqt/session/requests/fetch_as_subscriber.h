#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "moqt/model/fetch_range.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/malformed_track.h"
#include "moqt/session/joining_start.h"
#include "moqt/session/requests/request.h"

namespace msquic_py::moqt::session {

/// A FETCH of ours, standalone or joining (sections 5.2, 9.16 to 9.18): an answer and one stream, in either order.
class FetchAsSubscriber final : public Request {
 public:
  FetchAsSubscriber(RequestContext& context, RequestHandle handle, bool ours, FullTrackName track, FetchRange range,
                    MessageParameters parameters)
      : Request(context, handle, ours), track_(std::move(track)), range_(range), parameters_(std::move(parameters)) {}
  /// Joins `subscription`, which refusal() has nothing against.
  FetchAsSubscriber(RequestContext& context, RequestHandle handle, bool ours, RequestHandle subscription,
                    JoiningStart start, MessageParameters parameters);

  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, const FullTrackName& track,
                                                           const FetchRange& range,
                                                           const MessageParameters& parameters);
  [[nodiscard]] static std::optional<SessionError> refusal(const RequestTable& requests, RequestHandle subscription,
                                                           JoiningStart start, const MessageParameters& parameters);

  static constexpr RequestKind kKind = RequestKind::kFetchAsSubscriber;
  [[nodiscard]] RequestKind kind() const noexcept override { return kKind; }
  [[nodiscard]] const FullTrackName* received_track() const noexcept override { return &track_; }

  [[nodiscard]] wire::MessageBody first_message() const override;
  [[nodiscard]] bool obsolete() const override;
  [[nodiscard]] bool ready() const override;
  void on_obsolete() override;
  void begin(wire::RequestReference reference) override;
  void on_fetch_ok(const wire::FetchOk& message) override;
  void on_request_error(const wire::RequestError& message) override;
  void on_cancelled(const Cancellation& cancellation) override;
  void on_malformed(MalformedTrack reason) override;
  void on_deadline() override;

  // ---- the data plane ----

  void on_stream();
  void on_stream_ended(bool finished, std::uint64_t code);
  /// Its stream is not to be read on.
  void give_up(StreamResetCode code);

  RequestResult cancel() override;

 private:
  struct StreamEnd {
    bool finished = false;
    std::uint64_t code = 0;
  };

  void withdraw() override { withdraw(StreamResetCode::kCancelled); }
  void withdraw(StreamResetCode code);
  /// What a joining FETCH asks for; nothing before SUBSCRIBE_OK has told where the subscription began, and when there
  /// was no object by then.
  [[nodiscard]] std::optional<FetchRange> joining_range() const;
  void resolve_range();
  /// Ends the fetch when both FETCH_OK and the end of the stream are there.
  void check_done();

  FullTrackName track_;
  std::optional<FetchRange> range_;
  RequestHandle joined_;
  JoiningStart joining_start_;
  MessageParameters parameters_;
  std::optional<StreamEnd> end_;
};

}  // namespace msquic_py::moqt::session

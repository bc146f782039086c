#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/shared_bytes.h"
#include "moqt/model/error_codes.h"
#include "moqt/session/event.h"
#include "moqt/session/session.h"

namespace msquic_py::moqt::pubsub {

/// The application's answer to a FETCH of the peer, for a track or for objects that no writer has. Made by Endpoint,
/// which tells of it with FetchRequested. One that is dropped without finish() or reject() is rejected with
/// INTERNAL_ERROR. After its end, however it came, every call fails with kUnknownRequest.
class FetchResponse final : public session::StreamFeeder, public std::enable_shared_from_this<FetchResponse> {
 public:
  FetchResponse(session::Session& session, session::FetchReceived request, std::function<void()> writable);
  FetchResponse(const FetchResponse&) = delete;
  FetchResponse& operator=(const FetchResponse&) = delete;
  ~FetchResponse() override;

  /// What is asked for. The objects go in ascending or descending order of groups, as it says, and in the order of
  /// their IDs within a group.
  [[nodiscard]] const session::FetchReceived& request() const noexcept { return request_; }
  /// Where the range begins is known, now that the largest object of the track is; nothing: none was published. Nothing
  /// else is to be done before that with a request that has FetchReceived::groups_back. kEmptyRange: the FETCH has been
  /// refused.
  session::SessionResult<void> resolve(std::optional<Location> largest);
  [[nodiscard]] bool open() const noexcept { return session_ != nullptr; }

  /// FETCH_OK ahead of the objects' end; without it finish() says that all of the range was answered.
  session::SessionResult<void> accept(const session::FetchAnswer& answer);
  /// The next object, or its beginning. Never refused for want of room: a writer that goes on when writable() says
  /// false makes the session hold what it writes. kOutOfRange, kObjectOutOfOrder: see Session::append_fetch_object.
  session::SessionResult<void> write(const session::FetchObject& object);
  /// More of that object's payload.
  session::SessionResult<void> append(base::SharedBytes bytes);
  /// Behind the object or gap before, up to `end` as in FetchRange::end, nobody here knows what exists; what does
  /// behind that may follow (draft-22 section 3.2.2). kNotInDraft: in draft-15 such a FETCH is rejected, with
  /// UNKNOWN_STATUS_IN_RANGE. kOutOfRange, kObjectOutOfOrder as for write().
  session::SessionResult<void> leave_gap(Location end, wire::FetchGap gap = wire::FetchGap::kUnknown);
  /// Whether more should be written now. If not, FetchWritable tells when.
  [[nodiscard]] bool writable() const noexcept;
  /// Bytes that the transport has not taken yet.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  /// That was all: what was not written of the range does not exist.
  session::SessionResult<void> finish();
  /// REQUEST_ERROR; after FETCH_OK the stream is reset.
  session::SessionResult<void> reject(RequestErrorCode code, std::string_view reason = {});

  void feed(session::StreamHandle stream, session::Time now) override;

 private:
  friend class Endpoint;

  static session::SessionResult<void> resolve(session::Session& session, session::FetchReceived& request,
                                              std::optional<Location> largest);
  session::SessionResult<void> begin();
  void watch();
  /// Nothing of it is answered here any more.
  void detach() noexcept;

  session::Session* session_;
  session::FetchReceived request_;
  const std::function<void()> writable_;
  session::StreamHandle stream_;
  bool accepted_ = false;
  bool told_ = true;  ///< the application knows whether it is writable
};

}  // namespace msquic_py::moqt::pubsub

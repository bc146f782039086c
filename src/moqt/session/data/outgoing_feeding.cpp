// Streams whose objects somebody else holds until their turn comes.
#include "moqt/session/data/outgoing_data.h"

namespace msquic_py::moqt::session {

StreamBacklog OutgoingData::backlog(StreamHandle handle) const noexcept {
  const OutgoingStream* stream = streams_.find(handle);
  return stream == nullptr ? StreamBacklog{} : stream->backlog();
}

base::Result<void, SessionError> OutgoingData::set_feeder(StreamHandle handle, StreamFeeder* feeder) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  stream->feeder = feeder;
  stream->feed_wanted = false;
  reschedule(*stream);
  return {};
}

base::Result<void, SessionError> OutgoingData::request_feed(StreamHandle handle) {
  OutgoingStream* stream = streams_.find(handle);
  if (stream == nullptr || !stream->takes_more()) return base::Failure{SessionError::kUnknownStream};
  if (stream->feeder == nullptr) return base::Failure{SessionError::kWrongState};
  if (stream->feed_wanted) return {};
  stream->feed_wanted = true;
  reschedule(*stream);
  return {};
}

void OutgoingData::feed(OutgoingStream& stream, Time now) {
  const StreamHandle handle = stream.handle();
  const std::uint64_t before = stream.appended_bytes;
  stream.feed_wanted = false;
  stream.feeder->feed(handle, now);
  OutgoingStream* const fed = streams_.find(handle);
  if (fed == nullptr) return;
  if (fed->appended_bytes == before) fed->feed_wanted = false;  // or a feeder with nothing would be asked for good
  reschedule(*fed);
}

}  // namespace msquic_py::moqt::session

#pragma once

#include "base/result.h"
#include "moqt/model/draft.h"
#include "moqt/model/malformed_track.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/data/object_event.h"
#include "moqt/session/time.h"

namespace msquic_py::moqt::objects {

/// Stores an object that came as a datagram and sends it on. False: it had come before. A malformed track is not
/// stored.
base::Result<bool, MalformedTrack> write_datagram(TrackPublisher& publisher, Draft draft,
                                                  const session::DatagramReceived& datagram, session::Time now);

}  // namespace msquic_py::moqt::objects

#pragma once

#include "moqt/model/draft.h"
#include "moqt/model/message_parameters.h"
#include "moqt/session/session.h"

namespace msquic_py::relay {

/// `said` of a track in a draft that may have smaller numbers than the one it came in: times that it cannot carry are
/// as good as endless, and become the longest one.
void shorten_times(moqt::MessageParameters& said, moqt::Draft draft);

/// Whether the draft has numbers for it.
bool can_say(moqt::Location location, moqt::Draft draft) noexcept;

/// Accepts a SUBSCRIBE or TRACK_STATUS with what is said of the track. One whose largest object has IDs that the draft
/// of the session has no numbers for is refused with NOT_SUPPORTED. Whether it was accepted.
bool accept_in_draft(moqt::session::Session& session, moqt::session::RequestHandle request,
                     moqt::MessageParameters said);

}  // namespace msquic_py::relay

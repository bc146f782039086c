#pragma once

#include <cstdint>

#include "hostile/moves.h"
#include "moqt/model/draft.h"
#include "moqt/model/full_track_name.h"
#include "moqt/model/location.h"
#include "moqt/model/message_parameters.h"
#include "moqt/model/perspective.h"
#include "moqt/wire/control_message.h"

namespace msquic_py::hostile {

/// Names, namespaces and numbers in these are among few, so that messages meet. They follow the draft as a rule, and
/// one in sixty-four has a parameter that may be out of place.

/// A message that begins a request. `joinable` is a subscription to join.
moqt::wire::MessageBody make_request(Moves& moves, std::uint64_t next_alias, moqt::wire::RequestReference joinable);
/// The answer to `asked`; now and then a refusal.
moqt::wire::MessageBody make_answer(Moves& moves, const moqt::wire::MessageBody& asked, std::uint64_t next_alias);
/// What may follow on a request that has been accepted: `begun` began it.
moqt::wire::MessageBody make_sequel(Moves& moves, const moqt::wire::MessageBody& begun,
                                    moqt::wire::RequestReference request);
/// Any message, likely out of place.
moqt::wire::ControlMessage make_any(Moves& moves);
/// The SETUP of a client, or of a server, of that draft.
moqt::wire::ControlMessage make_setup(moqt::Draft draft, moqt::Perspective sender);
moqt::Location make_location(Moves& moves);
moqt::TrackNamespace make_namespace(Moves& moves);
moqt::FullTrackName make_track(Moves& moves);
/// What a subscriber may say.
moqt::MessageParameters make_subscriber_parameters(Moves& moves);

}  // namespace msquic_py::hostile

#pragma once

#include <string>

#include "base/bytes.h"
#include "relay/relay_counters.h"

namespace msquic_py::hostile {

struct Played {
  std::string problem;            ///< for people; empty when all was well
  relay::RelayCounters counters;  ///< of all relays together
};

/// A relay with up to four clients, each of any draft, that do what `bytes` say: messages in and out of place, objects
/// whole, cut and damaged, streams that stop, limits that are met, time that passes, clients that go and others that
/// come. At the end all of them leave, and nothing may be left.
Played play(base::Bytes bytes);

/// The same with two of the clients at another relay, the first one's upstream, over a session of any draft that is cut
/// and comes back.
Played play_chain(base::Bytes bytes);

/// Applications in place of relays: up to three, each with a session of any draft, as its client or server, and with
/// somebody hostile at the other end. What the applications do is in `bytes`, too, and not always right.
Played play_applications(base::Bytes bytes);

}  // namespace msquic_py::hostile

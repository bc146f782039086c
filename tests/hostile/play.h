#pragma once

#include <string>

#include "base/bytes.h"
#include "relay/relay_counters.h"

namespace msquic_py::hostile {

struct Played {
  std::string problem;  ///< for people; empty when all was well
  relay::RelayCounters counters;
};

/// A relay with up to four clients, each of any draft, that do what `bytes` say: messages in and out of place, objects
/// whole, cut and damaged, streams that stop, limits that are met, time that passes, clients that go and others that
/// come. At the end all of them leave, and nothing may be left.
Played play(base::Bytes bytes);

}  // namespace msquic_py::hostile

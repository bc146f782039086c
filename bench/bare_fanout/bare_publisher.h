#pragma once

#include <msquic.h>

#include "control_answers.h"

namespace msquic_py::bench {

/// The connection of a publisher whose bytes a BareServer forwards as they come; deletes itself at its end. It says
/// what a MOQT client that announces its namespace expects, in order, and subscribes to its track.
class BarePublisher final : public ControlAnswers {
 public:
  explicit BarePublisher(BareServer& server) noexcept;

  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event);

 private:
  /// A stream of a subgroup.
  struct Incoming {
    BareServer& server;
    bool begun = false;
  };

  static QUIC_STATUS QUIC_API on_subgroup(HQUIC stream, void* context, QUIC_STREAM_EVENT* event);
};

}  // namespace msquic_py::bench

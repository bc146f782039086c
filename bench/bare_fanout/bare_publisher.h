#pragma once

#include <msquic.h>

namespace msquic_py::bench {

class BareServer;

/// The connection of a publisher whose bytes a BareServer forwards as they come; deletes itself at its end. It says
/// what a MOQT client that announces its namespace expects, in order, and subscribes to its track.
class BarePublisher {
 public:
  explicit BarePublisher(BareServer& server) noexcept : server_(server) {}

  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event);

 private:
  /// A stream of a subgroup.
  struct Incoming {
    BareServer& server;
    bool begun = false;
  };

  static QUIC_STATUS QUIC_API on_control(HQUIC stream, void* context, QUIC_STREAM_EVENT* event);
  static QUIC_STATUS QUIC_API on_subgroup(HQUIC stream, void* context, QUIC_STREAM_EVENT* event);
  void answer(HQUIC control);

  BareServer& server_;
  int answers_ = 0;
};

}  // namespace msquic_py::bench

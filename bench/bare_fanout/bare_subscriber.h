#pragma once

#include <msquic.h>

#include "control_answers.h"
#include "fanout_pieces.h"

namespace msquic_py::bench {

/// A connection of a BareServer; deletes itself at its end.
class BareSubscriber final : public ControlAnswers {
 public:
  BareSubscriber(BareServer& server, HQUIC connection) noexcept;

  /// As the piece says: on a new stream, on the one that is open, or as the stream's last. Under the server's mutex.
  void send(Piece& piece);
  /// Under the server's mutex.
  void send_datagram(Piece& piece);

  static QUIC_STATUS QUIC_API on_connection(HQUIC connection, void* context, QUIC_CONNECTION_EVENT* event);

 private:
  static QUIC_STATUS QUIC_API on_subgroup(HQUIC stream, void* context, QUIC_STREAM_EVENT* event);
  void answered() override;

  HQUIC connection_;
  HQUIC stream_ = nullptr;  ///< of the group that is being sent
};

}  // namespace msquic_py::bench

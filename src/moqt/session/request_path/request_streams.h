#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "moqt/session/handles.h"
#include "moqt/session/request_path/request_path.h"
#include "moqt/session/request_path/request_stream.h"

namespace msquic_py::moqt::session {

/// The bidirectional streams of a session that carry requests: cuts them into messages, keeps what comes before it may
/// be read, and ends them.
class RequestStreams {
 public:
  /// Who knows what the messages mean.
  class Reader {
   public:
    virtual void route(RequestStream& stream, const wire::ControlMessage& message) = 0;
    /// The peer's direction has ended with FIN, and everything in it has been read.
    virtual void on_finished(RequestStream& stream) = 0;

   protected:
    ~Reader() = default;
  };

  RequestStreams(SessionCore& core, Reader& reader) noexcept : core_(core), reader_(reader) {}

  /// Opens one for a request of ours.
  RequestStream& open();
  /// Null when there is none (any more).
  [[nodiscard]] RequestStream* find(RequestStreamId id) const;
  /// The same, but what the peer has opened is made known here; null only for one of ours that is over.
  RequestStream* heard_of(RequestStreamId id);
  /// The live request that it carries; null when there is none.
  [[nodiscard]] Request* request_of(const RequestStream& stream) const;

  /// Bytes that the peer has sent, with its FIN or without.
  void on_data(RequestStreamId id, base::Bytes bytes, bool fin);
  /// Streams that came before SETUP, or before the client was admitted, are read now.
  void read_all();

  void write(const RequestStream& stream, base::SharedBytes bytes);
  /// Nothing more will be said here; `cancellation`: nor heard.
  void leave(RequestStream& stream, const std::optional<Cancellation>& cancellation);

  void erase(RequestStreamId id) { streams_.erase(id); }
  void clear() { streams_.clear(); }

 private:
  RequestStream& at(RequestStreamId id);
  [[nodiscard]] bool may_read() const noexcept;
  void read(RequestStream& stream);

  SessionCore& core_;
  Reader& reader_;
  std::unordered_map<RequestStreamId, std::unique_ptr<RequestStream>> streams_;
  std::uint64_t opened_ = 0;
  std::size_t early_bytes_ = 0;  ///< of streams that came before they may be read
};

}  // namespace msquic_py::moqt::session

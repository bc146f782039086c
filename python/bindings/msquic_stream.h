#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "msquic_handler_slot.h"
#include "msquic_stream_mailbox.h"
#include "quic/stream.h"

namespace msquic_py::python {

/// The Python class Stream. All members need the GIL or, where there is none, the object locked.
///
/// It holds its Connection. While the stream is started and not over, the Connection holds it too, so that a stream
/// that the program does not store goes on; the garbage collector sees that cycle.
class StreamObject {
 public:
  StreamObject(nanobind::object connection, std::shared_ptr<StreamMailbox> mailbox, quic::Stream stream);
  StreamObject(const StreamObject&) = delete;
  StreamObject& operator=(const StreamObject&) = delete;
  ~StreamObject();

  void start(quic::StreamStartFlags flags);
  void send(nanobind::handle data, unsigned flags);
  void shutdown(unsigned flags, std::uint64_t code);
  /// Gives the stream up: directions that are not finished are aborted.
  void close() noexcept;
  void set_handler(StreamEvent which, nanobind::handle handler);

  [[nodiscard]] std::optional<std::uint64_t> id() const noexcept { return stream_ ? stream_.id() : id_; }
  [[nodiscard]] bool is_early_data() const noexcept { return stream_ ? stream_.is_early_data() : early_data_; }
  [[nodiscard]] const nanobind::object& connection() const noexcept { return connection_; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  [[nodiscard]] bool is_over() const noexcept { return mailbox_->is_over(); }
  [[nodiscard]] quic::Stream& stream() noexcept { return stream_; }
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const HandlerSlot& handler(StreamEvent which) const noexcept { return handlers_[which]; }
  void resume_receive() noexcept { static_cast<void>(stream_.resume_receive()); }
  /// A handler raised.
  void fail_connection();
  /// The stream is over and everything about it was delivered.
  void finish() noexcept;
  [[nodiscard]] const std::shared_ptr<StreamMailbox>& mailbox() const noexcept { return mailbox_; }

  int traverse(visitproc visit, void* arg) const;
  void clear_references() noexcept;

 private:
  /// The connection keeps it from now on, until it is over.
  void hold();

  nanobind::object connection_;
  std::shared_ptr<StreamMailbox> mailbox_;
  quic::Stream stream_;
  std::optional<std::uint64_t> id_;
  bool early_data_ = false;
  std::array<HandlerSlot, kStreamEventCount> handlers_;
  const bool local_;
  const bool unidirectional_;
  bool closed_ = false;
};

}  // namespace msquic_py::python

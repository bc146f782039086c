#pragma once

// Internal to this layer.

#include <memory>
#include <string>

#include "quic/api.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// A file in NSS key log format that connections append to. Thread-safe.
class KeyLog {
 public:
  /// Opens `path` for appending and creates it readable by its owner only. InvalidParameter says why it cannot be.
  static Result<std::shared_ptr<KeyLog>> open(const std::string& path);
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog();

  /// Appends what is known of one connection's secrets with a single write, so that processes may share the file.
  void write(const QUIC_TLS_SECRETS& secrets) noexcept;

 private:
  explicit KeyLog(int file) noexcept : file_(file) {}
  int file_;
};

}  // namespace msquic_py::quic

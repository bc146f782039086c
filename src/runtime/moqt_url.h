#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace msquic_py::runtime {

/// A server as a moqt URI names it: moqt://host[:port][/path][?query] ([d15 §3.1.2]).
struct MoqtUrl {
  std::string host;  ///< a name or an IP literal, without the brackets of IPv6
  std::uint16_t port = 443;
  std::string path;  ///< with the query; empty when the URI has neither

  /// What is wrong with it, when it cannot be used.
  static base::Result<MoqtUrl, std::string> parse(std::string_view text);
  /// Whether `text` is meant to be one: it has a scheme.
  static bool looks_like(std::string_view text) noexcept { return text.find("://") != std::string_view::npos; }
};

}  // namespace msquic_py::runtime

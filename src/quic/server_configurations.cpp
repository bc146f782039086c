#include "quic/server_configurations.h"

#include <algorithm>

namespace msquic_py::quic {
namespace {

/// Lower case without the trailing dot.
std::string canonical(std::string_view name) {
  if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace

Result<ServerConfigurations> ServerConfigurations::from_certificates(
    const Configuration& base, const std::map<std::string, Certificate>& certificates) {
  ServerConfigurations made(base);
  for (const auto& [name, certificate] : certificates) {
    auto configuration = base.with_certificate(certificate);
    if (!configuration) return base::Failure{configuration.error()};
    if (auto set = made.set(name, std::move(*configuration)); !set) return base::Failure{set.error()};
  }
  return made;
}

Result<void> ServerConfigurations::set(std::string_view server_name, Configuration configuration) {
  if (server_name.empty()) {
    fallback_ = std::move(configuration);
    return {};
  }
  std::string name = canonical(server_name);
  if (!is_name(name)) {
    return base::Failure{Error::own(
        Status::InvalidParameter,
        "'" + std::string(server_name) + "' is not a server name: a DNS name (in ASCII) or '*.' and a domain")};
  }
  by_name_.insert_or_assign(std::move(name), std::move(configuration));
  return {};
}

const Configuration& ServerConfigurations::find(std::string_view server_name) const {
  if (server_name.empty() || by_name_.empty()) return fallback_;
  std::string name = canonical(server_name);
  if (const auto exact = by_name_.find(name); exact != by_name_.end()) return exact->second;
  if (const std::size_t dot = name.find('.'); dot != std::string::npos && dot != 0) {
    name.replace(0, dot, "*");
    if (const auto wildcard = by_name_.find(name); wildcard != by_name_.end()) return wildcard->second;
  }
  return fallback_;
}

}  // namespace msquic_py::quic

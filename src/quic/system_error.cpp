#include "quic/system_error.h"

#include <cerrno>
#include <system_error>

namespace msquic_py::quic {

std::string_view system_error_name(std::int64_t raw) noexcept {
#if !defined(_WIN32)
  switch (raw) {
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENOBUFS: return "ENOBUFS";
    case EACCES: return "EACCES";
    case EAGAIN: return "EAGAIN";
    case ENODEV: return "ENODEV";
    case EMSGSIZE: return "EMSGSIZE";
    case ENETDOWN: return "ENETDOWN";
    case ENOSPC: return "ENOSPC";
    default: break;
  }
#endif
  static_cast<void>(raw);
  return {};
}

std::string system_error_text(std::int64_t raw) { return std::generic_category().message(static_cast<int>(raw)); }

}  // namespace msquic_py::quic

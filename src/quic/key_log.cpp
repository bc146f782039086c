#include "quic/key_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

#include "quic/credentials.h"

namespace msquic_py::quic {
namespace {

void append_hex(std::string& text, const std::uint8_t* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
}

}  // namespace

Result<std::shared_ptr<KeyLog>> KeyLog::open(const std::string& path) {
#if defined(_WIN32)
  const int file = ::_open(path.c_str(), _O_WRONLY | _O_CREAT | _O_APPEND | _O_BINARY | _O_NOINHERIT, _S_IWRITE);
#else
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
#endif
  if (file < 0) {
    return base::Failure{
        Error::own(Status::InvalidParameter,
                   "the key log '" + path + "' (keylog or SSLKEYLOGFILE) cannot be opened: " + std::strerror(errno))};
  }
  return std::shared_ptr<KeyLog>(new KeyLog(file));
}

KeyLog::~KeyLog() {
#if defined(_WIN32)
  ::_close(file_);
#else
  ::close(file_);
#endif
}

void KeyLog::write(const QUIC_TLS_SECRETS& secrets) noexcept {
  if (!secrets.IsSet.ClientRandom) return;  // lines are found by it
  std::string text;
  const auto line = [&](bool known, const char* label, const std::uint8_t* secret) {
    if (!known) return;
    text += label;
    text += ' ';
    append_hex(text, secrets.ClientRandom, sizeof(secrets.ClientRandom));
    text += ' ';
    append_hex(text, secret, secrets.SecretLength);
    text += '\n';
  };
  line(secrets.IsSet.ClientEarlyTrafficSecret, "CLIENT_EARLY_TRAFFIC_SECRET", secrets.ClientEarlyTrafficSecret);
  line(secrets.IsSet.ClientHandshakeTrafficSecret, "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
       secrets.ClientHandshakeTrafficSecret);
  line(secrets.IsSet.ServerHandshakeTrafficSecret, "SERVER_HANDSHAKE_TRAFFIC_SECRET",
       secrets.ServerHandshakeTrafficSecret);
  line(secrets.IsSet.ClientTrafficSecret0, "CLIENT_TRAFFIC_SECRET_0", secrets.ClientTrafficSecret0);
  line(secrets.IsSet.ServerTrafficSecret0, "SERVER_TRAFFIC_SECRET_0", secrets.ServerTrafficSecret0);
#if defined(_WIN32)
  if (!text.empty()) static_cast<void>(::_write(file_, text.data(), static_cast<unsigned>(text.size())));
#else
  if (!text.empty() && ::write(file_, text.data(), text.size()) < 0) return;  // a log must not end a connection
#endif
}

std::string keylog_file_from_environment() {
  const char* const path = std::getenv("SSLKEYLOGFILE");
  return path != nullptr ? path : "";
}

}  // namespace msquic_py::quic

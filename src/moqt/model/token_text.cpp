#include "moqt/model/token_text.h"

#include <charconv>

namespace msquic_py::moqt {

namespace {

/// What every draft can put on the wire.
constexpr std::uint64_t kLargestType = (std::uint64_t{1} << 62) - 1;

}  // namespace

std::optional<AuthorizationToken> token_of_text(std::string_view text) {
  AuthorizationToken token;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos && colon > 0) {
    std::uint64_t type = 0;
    const char* const end = text.data() + colon;
    const auto [stopped, error] = std::from_chars(text.data(), end, type);
    if (stopped == end && error == std::errc() && type <= kLargestType) {
      token.token_type = type;
      text.remove_prefix(colon + 1);
    }
  }
  if (text.empty()) return std::nullopt;
  token.value.assign(text.begin(), text.end());
  return token;
}

}  // namespace msquic_py::moqt

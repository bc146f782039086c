#include "runtime/moqt_url.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "moqt/wire/uri_syntax.h"

namespace msquic_py::runtime {

namespace {

bool is_scheme_moqt(std::string_view scheme) noexcept {
  constexpr std::string_view kMoqt = "moqt";
  return std::ranges::equal(scheme, kMoqt, {}, [](unsigned char letter) { return std::tolower(letter); });
}

}  // namespace

base::Result<MoqtUrl, std::string> MoqtUrl::parse(std::string_view text) {
  const auto wrong = [&](const std::string& what) {
    return base::Failure{"'" + std::string(text) + "' " + what + "; a URL is moqt://host:port/path"};
  };
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return wrong("has no scheme");
  if (!is_scheme_moqt(text.substr(0, colon))) return wrong("has another scheme than moqt");
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  const std::string_view path = rest.substr(end);
  if (authority.empty() || !moqt::wire::is_authority(authority)) return wrong("names no host");  // [d15 §3.1.2-1]
  if (authority.find('@') != std::string_view::npos) return wrong("has a user's name, which MOQT cannot send");
  if (path.find('#') != std::string_view::npos) return wrong("has a fragment, which no server is told");
  if (!moqt::wire::is_path_and_query(path)) return wrong("has a path with characters that must be percent-encoded");

  MoqtUrl url;
  url.path = path;  // [d15 §9.3.1.2-3]
  const std::size_t bracket = authority.front() == '[' ? authority.find(']') : std::string_view::npos;
  const std::size_t port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = bracket == std::string_view::npos ? authority.substr(0, port) : authority.substr(1, bracket - 1);
  if (port != std::string_view::npos && port + 1 < authority.size()) {
    const char* const last = authority.data() + authority.size();
    const auto [stopped, error] = std::from_chars(authority.data() + port + 1, last, url.port);
    if (error != std::errc() || stopped != last || url.port == 0) return wrong("has a port that is not 1 to 65535");
  }
  return url;
}

}  // namespace msquic_py::runtime

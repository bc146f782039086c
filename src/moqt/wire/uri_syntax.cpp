#include "moqt/wire/uri_syntax.h"

#include <algorithm>
#include <cstddef>

namespace msquic_py::moqt::wire {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_one_of(char c, std::string_view set) noexcept { return set.find(c) != std::string_view::npos; }
bool is_unreserved(char c) noexcept { return is_alpha(c) || is_digit(c) || is_one_of(c, "-._~"); }
bool is_sub_delim(char c) noexcept { return is_one_of(c, "!$&'()*+,;="); }

/// Unreserved characters, sub-delims, percent-encoded bytes, and what `extra` lists.
bool is_made_of(std::string_view text, std::string_view extra) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_unreserved(text[i]) && !is_sub_delim(text[i]) && !is_one_of(text[i], extra)) {
      return false;
    }
  }
  return true;
}

bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = part < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return false;
    const std::string_view digits = text.substr(0, end);
    if (!std::all_of(digits.begin(), digits.end(), is_digit) || (end > 1 && digits[0] == '0')) return false;
    if (end == 3 && digits > "255") return false;
    if (part < 3) text.remove_prefix(end + 1);
  }
  return true;
}

/// Counts 16-bit groups between colons; an IPv4 address may end the text and counts for two. -1: malformed.
int count_groups(std::string_view text, bool ipv4_at_end) noexcept {
  if (text.empty()) return 0;
  int groups = 0;
  for (;;) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, end);
    if (end == text.size() && ipv4_at_end && group.find('.') != std::string_view::npos)
      return is_ipv4(group) ? groups + 2 : -1;
    if (group.empty() || group.size() > 4 || !std::all_of(group.begin(), group.end(), is_hex)) return -1;
    ++groups;
    if (end == text.size()) return groups;
    text.remove_prefix(end + 1);
  }
}

bool is_ipv6(std::string_view text) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == 8;
  const int before = count_groups(text.substr(0, gap), false);
  const int after = count_groups(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

bool is_ipvfuture(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (text.size() < 4 || (text[0] != 'v' && text[0] != 'V') || dot == std::string_view::npos || dot < 2) return false;
  const std::string_view version = text.substr(1, dot - 1);
  const std::string_view rest = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), is_hex) && !rest.empty() &&
         rest.find('%') == std::string_view::npos && is_made_of(rest, ":");
}

bool is_port(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), is_digit); }

}  // namespace

bool is_authority(std::string_view text) noexcept {  // [d15 §9.3.1.1-4]
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    if (!is_made_of(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view literal = text.substr(1, close - 1);
    if (!is_ipv6(literal) && !is_ipvfuture(literal)) return false;
    text.remove_prefix(close + 1);
    return text.empty() || (text[0] == ':' && is_port(text.substr(1)));
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view host = text.substr(0, colon);
  // [d15 §3.1.2-1]
  return !host.empty() && is_made_of(host, "") && (colon == text.size() || is_port(text.substr(colon + 1)));
}

bool is_path_and_query(std::string_view text) noexcept {  // [d15 §9.3.1.2-4]
  const std::size_t question = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, question);
  if (!path.empty() && path[0] != '/') return false;
  if (!is_made_of(path, ":@/")) return false;
  return question == text.size() || is_made_of(text.substr(question + 1), ":@/?");
}

}  // namespace msquic_py::moqt::wire

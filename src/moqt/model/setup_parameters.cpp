#include "moqt/model/setup_parameters.h"

namespace msquic_py::moqt {
namespace {

constexpr std::uint64_t number(SetupParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

std::optional<std::string_view> as_text(const base::ByteVector* bytes) noexcept {
  if (bytes == nullptr) return std::nullopt;
  return base::as_text(*bytes);
}

base::ByteVector as_value(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

std::optional<std::string_view> SetupParameters::path() const noexcept {
  return as_text(find_as<base::ByteVector>(number(SetupParameter::kPath)));
}
void SetupParameters::set_path(std::string_view path) { set(number(SetupParameter::kPath), as_value(path)); }

std::optional<std::string_view> SetupParameters::authority() const noexcept {
  return as_text(find_as<base::ByteVector>(number(SetupParameter::kAuthority)));
}
void SetupParameters::set_authority(std::string_view authority) {
  set(number(SetupParameter::kAuthority), as_value(authority));
}

std::uint64_t SetupParameters::max_request_id() const noexcept {
  const auto* value = find_as<std::uint64_t>(number(SetupParameter::kMaxRequestId));
  return value == nullptr ? 0 : *value;
}
void SetupParameters::set_max_request_id(std::uint64_t value) { set(number(SetupParameter::kMaxRequestId), value); }

std::uint64_t SetupParameters::max_auth_token_cache_size() const noexcept {
  const auto* value = find_as<std::uint64_t>(number(SetupParameter::kMaxAuthTokenCacheSize));
  return value == nullptr ? 0 : *value;
}
void SetupParameters::set_max_auth_token_cache_size(std::uint64_t bytes) {
  set(number(SetupParameter::kMaxAuthTokenCacheSize), bytes);
}

std::uint64_t SetupParameters::max_filter_ranges() const noexcept {
  const auto* value = find_as<std::uint64_t>(number(SetupParameter::kMaxFilterRanges));
  return value == nullptr ? 0 : *value;
}
void SetupParameters::set_max_filter_ranges(std::uint64_t value) {
  set(number(SetupParameter::kMaxFilterRanges), value);
}

std::uint64_t SetupParameters::max_request_updates() const noexcept {
  const auto* value = find_as<std::uint64_t>(number(SetupParameter::kMaxRequestUpdates));
  return value == nullptr ? 0 : *value;
}
void SetupParameters::set_max_request_updates(std::uint64_t value) {
  set(number(SetupParameter::kMaxRequestUpdates), value);
}

std::optional<std::string_view> SetupParameters::moqt_implementation() const noexcept {
  return as_text(find_as<base::ByteVector>(number(SetupParameter::kMoqtImplementation)));
}
void SetupParameters::set_moqt_implementation(std::string_view text) {
  set(number(SetupParameter::kMoqtImplementation), as_value(text));
}

std::vector<AuthorizationToken> SetupParameters::authorization_tokens() const {
  return tokens(number(SetupParameter::kAuthorizationToken));
}
void SetupParameters::add_authorization_token(AuthorizationToken token) {
  append({number(SetupParameter::kAuthorizationToken), std::move(token)});
}

}  // namespace msquic_py::moqt

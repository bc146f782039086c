#include "moqt/session/authorization/token_cache.h"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace msquic_py::moqt::session {

namespace {

// REQUEST_ERROR has no code for this, the session has [d15 §3.4].
constexpr TokenFault kUnknownAlias{SessionErrorCode::kUnknownAuthTokenAlias,
                                   "a token alias that is not registered (section 9.2.1.1)"};

/// The parameter may be repeated only as long as type and value differ once aliases are resolved [d15 §9.2.1.1].
bool distinct(const std::vector<AuthorizationToken>& tokens) {
  if (tokens.size() < 2) return true;
  std::set<std::pair<std::uint64_t, std::string_view>> seen;
  for (const AuthorizationToken& token : tokens) {
    if (!seen.emplace(token.token_type, base::as_text(token.value)).second) return false;
  }
  return true;
}

}  // namespace

std::optional<TokenFault> TokenCache::add(const AuthorizationToken& token, Carrier carrier) {
  if (by_alias_.contains(token.alias)) {  // [d15 §9.2.1.1-5]
    return TokenFault{SessionErrorCode::kDuplicateAuthTokenAlias,
                      "a token alias is registered a second time (section 9.2.1.1)"};
  }
  const std::uint64_t size = kTokenOverhead + token.value.size();
  if (size > limit_ - size_) {                                 // [d15 §9.2.1.1-10]
    if (carrier == Carrier::kEarlySetup) return std::nullopt;  // [d15 §9.3.1.5-1]
    return TokenFault{SessionErrorCode::kAuthTokenCacheOverflow,
                      "REGISTER beyond MAX_AUTH_TOKEN_CACHE_SIZE (section 9.2.1.1)"};
  }
  size_ += size;
  memory_.set(size_);
  // [d15 §9.2.1.1-2, §9.2.1.1-8]
  by_alias_.emplace(token.alias, Registered{token.token_type, token.value, size, false});
  return std::nullopt;
}

std::optional<TokenFault> TokenCache::take(ParameterList& parameters, Carrier carrier) {
  std::vector<AuthorizationToken> resolved;
  bool aliases = false;
  bool expired = false;
  for (const Parameter& parameter : parameters.items()) {
    if (parameter.type != kTokenParameter) continue;
    const auto* token = std::get_if<AuthorizationToken>(&parameter.value);
    if (token == nullptr) continue;
    aliases |= token->has_alias();
    switch (token->alias_type) {
      case TokenAliasType::kRegister:
        if (const auto fault = add(*token, carrier)) return fault;
        [[fallthrough]];
      case TokenAliasType::kUseValue:
        resolved.push_back({TokenAliasType::kUseValue, 0, token->token_type, token->value});
        break;
      case TokenAliasType::kUseAlias: {
        const auto found = by_alias_.find(token->alias);
        if (found == by_alias_.end()) return kUnknownAlias;  // [d15 §9.2.1.1-6]
        expired |= found->second.expired;
        if (!found->second.expired) {
          resolved.push_back({TokenAliasType::kUseValue, 0, found->second.token_type, found->second.value});
        }
        break;
      }
      case TokenAliasType::kDelete: {
        const auto found = by_alias_.find(token->alias);
        if (found == by_alias_.end()) return kUnknownAlias;
        size_ -= found->second.size;
        memory_.set(size_);  // [d15 §9.2.1.1-1]
        by_alias_.erase(found);
        break;
      }
    }
  }
  if (!distinct(resolved)) {  // [d15 §9.2.1.1-11]
    return TokenFault{SessionErrorCode::kProtocolViolation, "a token repeated in one message (sections 9.2, 9.2.1.1)"};
  }
  if (aliases) {
    parameters.remove(kTokenParameter);
    for (AuthorizationToken& token : resolved) parameters.append({kTokenParameter, std::move(token)});
  }
  if (expired) return TokenFault{RequestErrorCode::kExpiredAuthToken, "the token has expired"};
  return std::nullopt;
}

void TokenCache::expire(const AuthorizationToken& token) {
  for (auto& [alias, registered] : by_alias_) {
    if (registered.expired || registered.token_type != token.token_type || registered.value != token.value) continue;
    registered.expired = true;  // [d15 §9.2.1.1-9]
    registered.value = {};
  }
}

}  // namespace msquic_py::moqt::session

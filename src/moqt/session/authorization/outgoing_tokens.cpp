#include "moqt/session/authorization/outgoing_tokens.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/one_of.h"
#include "moqt/session/authorization/token_cache.h"

namespace msquic_py::moqt::session {

namespace {

/// Tokens that are remembered to recognise a second use; the one that was used least recently makes room.
constexpr std::size_t kMostRemembered = 64;

/// The messages that may carry tokens, besides the two SETUPs [d15 §9.2.1.1].
template <class T>
concept CarriesTokens = base::OneOf<T, wire::Publish, wire::Subscribe, wire::RequestUpdate, wire::SubscribeNamespace,
                                    wire::SubscribeTracks, wire::PublishNamespace, wire::TrackStatus, wire::Fetch>;
/// Those of them that a publisher answers with a track's objects, or with what there is of them.
template <class T>
concept AsksPublisher = base::OneOf<T, wire::Subscribe, wire::RequestUpdate, wire::TrackStatus, wire::Fetch>;

std::uint64_t size_of(const base::ByteVector& value) noexcept { return kTokenOverhead + value.size(); }

/// Of the same type and value, whatever stands for them on the wire.
template <class Token>
bool is_same(const Token& left, const AuthorizationToken& right) noexcept {
  return left.token_type == right.token_type && left.value == right.value;
}

const ParameterList* parameters_of(const wire::MessageBody& message) noexcept {
  return std::visit(
      [](const auto& alternative) -> const ParameterList* {
        if constexpr (CarriesTokens<std::remove_cvref_t<decltype(alternative)>>) {
          return &alternative.parameters;
        } else {
          return nullptr;
        }
      },
      message);
}

}  // namespace

bool OutgoingTokens::sendable(const wire::MessageBody& message) noexcept {
  const ParameterList* const parameters = parameters_of(message);
  if (parameters == nullptr) return true;
  return std::all_of(parameters->items().begin(), parameters->items().end(), [](const Parameter& parameter) {
    const auto* token = std::get_if<AuthorizationToken>(&parameter.value);
    return token == nullptr || token->has_value();
  });
}

std::vector<OutgoingTokens::Token>::iterator OutgoingTokens::find(const AuthorizationToken& token) {
  return std::find_if(tokens_.begin(), tokens_.end(), [&](const Token& each) { return is_same(each, token); });
}

OutgoingTokens::Token& OutgoingTokens::remember(const AuthorizationToken& token) {
  const auto found = find(token);
  if (found != tokens_.end()) return *found;
  if (tokens_.size() >= kMostRemembered) {
    auto oldest = tokens_.end();
    for (auto each = tokens_.begin(); each != tokens_.end(); ++each) {
      if (each->alias || each->kept || (oldest != tokens_.end() && each->last_use >= oldest->last_use)) continue;
      oldest = each;
    }
    if (oldest != tokens_.end()) tokens_.erase(oldest);
  }
  return tokens_.emplace_back(Token{token.token_type, token.value, std::nullopt, false, 0, 0});
}

void OutgoingTokens::add_to_setup(const AuthorizationToken& token, SetupParameters& parameters) {
  AuthorizationToken sent{TokenAliasType::kUseValue, 0, token.token_type, token.value};
  Token& known = remember(token);
  ++known.uses;
  const bool fits = size_ + size_of(token.value) <= (limit_known_ ? limit() : most_bytes_);
  if (token.alias_type == TokenAliasType::kRegister && fits) {
    known.kept = true;
    known.alias = next_alias_++;
    size_ += size_of(token.value);
    sent.alias_type = TokenAliasType::kRegister;
    sent.alias = *known.alias;
  }
  parameters.add_authorization_token(std::move(sent));
}

void OutgoingTokens::set_peer_limit(std::uint64_t bytes) noexcept {
  limit_ = bytes;
  limit_known_ = true;
  std::uint64_t registered = 0;
  std::uint64_t uncertain = 0;
  bool purging = false;
  for (Token& token : tokens_) {  // in the order of their aliases: nothing but CLIENT_SETUP has been sent
    if (!token.alias) continue;
    const std::uint64_t size = size_of(token.value);
    if (purging) {
      uncertain += size;
    } else if (registered + size > limit_) {
      purging = true;
    } else {
      registered += size;
    }
    if (purging) token.alias.reset();  // [d15 §9.3.1.5-2]
  }
  // What a server may have registered behind the first that did not fit counts on: more is never registered than fits.
  size_ = std::min(registered + uncertain, limit_);
}

void OutgoingTokens::keep(const AuthorizationToken& token) { remember(token).kept = true; }

void OutgoingTokens::retire(const AuthorizationToken& token) {
  const auto found = find(token);
  if (found == tokens_.end()) return;
  if (found->alias) retired_.push_back({*found->alias, size_of(found->value)});
  tokens_.erase(found);
}

void OutgoingTokens::make_room(std::uint64_t bytes) {
  if (bytes > limit()) return;
  std::uint64_t free = limit() > size_ ? limit() - size_ : 0;
  for (const Retired& each : retired_) free += each.size;
  while (free < bytes) {
    Token* oldest = nullptr;
    for (Token& each : tokens_) {
      if (!each.alias || each.kept || each.last_use == messages_) continue;
      if (oldest == nullptr || each.last_use < oldest->last_use) oldest = &each;
    }
    if (oldest == nullptr) return;
    retired_.push_back({*oldest->alias, size_of(oldest->value)});
    free += size_of(oldest->value);
    oldest->alias.reset();
    oldest->uses = 0;
  }
}

void OutgoingTokens::use(AuthorizationToken& token) {
  const bool kept = token.alias_type == TokenAliasType::kRegister;
  Token& known = remember(token);
  known.kept |= kept;
  known.last_use = messages_;
  token.alias_type = TokenAliasType::kUseValue;
  token.alias = 0;
  if (known.alias) {
    token = {TokenAliasType::kUseAlias, *known.alias, 0, {}};
    return;
  }
  if (++known.uses < 2 && !known.kept) return;
  const std::uint64_t size = size_of(known.value);
  if (size_ + size > limit()) return make_room(size);
  size_ += size;
  known.alias = next_alias_++;
  token.alias_type = TokenAliasType::kRegister;
  token.alias = *known.alias;
}

void OutgoingTokens::replace(ParameterList& parameters) {
  std::vector<Retired> due = std::exchange(retired_, {});
  std::vector<AuthorizationToken> tokens;
  for (const Parameter& parameter : parameters.items()) {
    if (const auto* token = std::get_if<AuthorizationToken>(&parameter.value)) tokens.push_back(*token);
  }
  parameters.remove(kTokenParameter);
  for (AuthorizationToken& token : tokens) {
    use(token);
    parameters.append({kTokenParameter, std::move(token)});
  }
  due.insert(due.end(), retired_.begin(), retired_.end());
  retired_.clear();
  for (const Retired& each : due) {
    parameters.append({kTokenParameter, AuthorizationToken{TokenAliasType::kDelete, each.alias, 0, {}}});
    size_ -= each.size;
  }
}

std::optional<wire::MessageBody> OutgoingTokens::complete(const wire::MessageBody& message) const {
  if ((always_.empty() && for_publishers_.empty()) || parameters_of(message) == nullptr) return std::nullopt;
  const auto add = [](const std::vector<AuthorizationToken>& tokens, MessageParameters& parameters) {
    for (const AuthorizationToken& token : tokens) {
      const auto own = parameters.authorization_tokens();
      const bool there =
          std::any_of(own.begin(), own.end(), [&](const AuthorizationToken& each) { return is_same(each, token); });
      if (!there) parameters.add_authorization_token(token);
    }
  };
  wire::MessageBody changed = message;
  std::visit(
      [&](auto& alternative) {
        using Message = std::remove_cvref_t<decltype(alternative)>;
        if constexpr (CarriesTokens<Message>) add(always_, alternative.parameters);
        if constexpr (AsksPublisher<Message>) add(for_publishers_, alternative.parameters);
      },
      changed);
  return changed;
}

std::optional<wire::MessageBody> OutgoingTokens::with_values(const wire::MessageBody& message) {
  const ParameterList* const before = parameters_of(message);
  const auto has_alias = [](const Parameter& parameter) {
    const auto* token = std::get_if<AuthorizationToken>(&parameter.value);
    return token != nullptr && token->alias_type != TokenAliasType::kUseValue;
  };
  if (before == nullptr || std::none_of(before->items().begin(), before->items().end(), has_alias)) return std::nullopt;
  wire::MessageBody changed = message;
  std::visit(
      [](auto& alternative) {
        if constexpr (CarriesTokens<std::remove_cvref_t<decltype(alternative)>>) {
          const auto tokens = alternative.parameters.authorization_tokens();
          alternative.parameters.remove(kTokenParameter);
          for (const AuthorizationToken& token : tokens) {
            alternative.parameters.append(
                {kTokenParameter, AuthorizationToken{TokenAliasType::kUseValue, 0, token.token_type, token.value}});
          }
        }
      },
      changed);
  return changed;
}

std::optional<wire::MessageBody> OutgoingTokens::with_aliases(const wire::MessageBody& message) {
  const ParameterList* const before = parameters_of(message);
  if (before == nullptr || (retired_.empty() && !before->contains(kTokenParameter))) return std::nullopt;
  ++messages_;
  wire::MessageBody changed = message;
  std::visit(
      [this](auto& alternative) {
        if constexpr (CarriesTokens<std::remove_cvref_t<decltype(alternative)>>) replace(alternative.parameters);
      },
      changed);
  return changed;
}

}  // namespace msquic_py::moqt::session

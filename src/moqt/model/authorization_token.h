#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace msquic_py::moqt {

/// What a token parameter does with the token cache of its receiver [d15 §9.2.1.1].
enum class TokenAliasType : std::uint8_t { kDelete = 0x0, kRegister = 0x1, kUseAlias = 0x2, kUseValue = 0x3 };

std::string_view name(TokenAliasType type) noexcept;

/// `alias` counts for all but kUseValue; `token_type` and `value` for kRegister and kUseValue; elsewhere they are
/// zero and empty. Token type 0 means that its form was agreed out of band.
struct AuthorizationToken {
  TokenAliasType alias_type = TokenAliasType::kUseValue;
  std::uint64_t alias = 0;
  std::uint64_t token_type = 0;
  base::ByteVector value{};

  [[nodiscard]] bool has_alias() const noexcept { return alias_type != TokenAliasType::kUseValue; }
  [[nodiscard]] bool has_value() const noexcept {
    return alias_type == TokenAliasType::kRegister || alias_type == TokenAliasType::kUseValue;
  }
  bool operator==(const AuthorizationToken&) const = default;
};

}  // namespace msquic_py::moqt

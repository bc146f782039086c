#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "moqt/model/parameter_list.h"

namespace msquic_py::moqt {

/// The parameters of CLIENT_SETUP and SERVER_SETUP [d15 §9.3.1], the options of SETUP from draft 17 on. Getters give
/// nothing for what is absent; the views they return live as long as the list is not changed.
class SetupParameters : public ParameterList {
 public:
  /// path-abempty and query of the moqt URI; client over raw QUIC only.
  [[nodiscard]] std::optional<std::string_view> path() const noexcept;
  void set_path(std::string_view path);
  /// Authority of the moqt URI; client over raw QUIC only.
  [[nodiscard]] std::optional<std::string_view> authority() const noexcept;
  void set_authority(std::string_view authority);
  /// One more than the largest Request ID that the receiver of this message may use; 0 when absent.
  [[nodiscard]] std::uint64_t max_request_id() const noexcept;
  void set_max_request_id(std::uint64_t value);
  /// Bytes; 0 when absent, and then aliases are prohibited.
  [[nodiscard]] std::uint64_t max_auth_token_cache_size() const noexcept;
  void set_max_auth_token_cache_size(std::uint64_t bytes);
  /// From draft 19 on: ranges in all Range Filters of one request; 0 when absent, and then there must be none.
  [[nodiscard]] std::uint64_t max_filter_ranges() const noexcept;
  void set_max_filter_ranges(std::uint64_t value);
  /// From draft 19 on: updates of one request that may be unanswered; 0, also when absent: any number.
  [[nodiscard]] std::uint64_t max_request_updates() const noexcept;
  void set_max_request_updates(std::uint64_t value);
  /// Free text, UTF-8 by intent but not checked.
  [[nodiscard]] std::optional<std::string_view> moqt_implementation() const noexcept;
  void set_moqt_implementation(std::string_view text);

  [[nodiscard]] std::vector<AuthorizationToken> authorization_tokens() const;
  void add_authorization_token(AuthorizationToken token);
};

}  // namespace msquic_py::moqt

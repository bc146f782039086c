#include "moqt/model/parameter_list.h"

#include <algorithm>

namespace msquic_py::moqt {

void ParameterList::set(std::uint64_t type, ParameterValue value, ParameterScope scope) {
  for (Parameter& parameter : items_) {
    if (parameter.type == type && parameter.scope == scope) {
      parameter.value = std::move(value);
      return;
    }
  }
  items_.push_back({type, std::move(value), scope});
}

void ParameterList::remove(std::uint64_t type) {
  std::erase_if(items_, [type](const Parameter& parameter) { return parameter.type == type; });
}

const ParameterValue* ParameterList::find(std::uint64_t type) const noexcept {
  const auto found = std::find_if(items_.begin(), items_.end(), [type](const Parameter& p) { return p.type == type; });
  return found == items_.end() ? nullptr : &found->value;
}

std::vector<AuthorizationToken> ParameterList::tokens(std::uint64_t type) const {
  std::vector<AuthorizationToken> tokens;
  for (const Parameter& parameter : items_) {
    if (parameter.type != type) continue;
    if (const auto* token = std::get_if<AuthorizationToken>(&parameter.value)) tokens.push_back(*token);
  }
  return tokens;
}

}  // namespace msquic_py::moqt

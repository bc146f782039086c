#include "command_line/token_argument.h"

#include "command_line/text_file.h"
#include "moqt/model/token_text.h"

namespace msquic_py::apps {

base::Result<moqt::AuthorizationToken, std::string> read_token(const std::string& argument) {
  std::string text = argument;
  if (text.starts_with('@')) {
    auto file = read_text_file(text.substr(1));
    if (!file) return base::Failure{file.error()};
    text = *file;
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  }
  auto token = moqt::token_of_text(text);
  if (!token) return base::Failure{std::string("a token has a value")};
  token->alias_type = moqt::TokenAliasType::kRegister;
  return *token;
}

}  // namespace msquic_py::apps

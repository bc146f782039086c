#include "relay/token_policy.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "moqt/model/token_text.h"

namespace msquic_py::relay {

namespace {

using moqt::session::Operation;
using moqt::session::Verdict;

/// The next word, which is taken off the line.
std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
  const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  if (!word.starts_with('#')) return word;
  line = {};
  return {};
}

moqt::TrackNamespace namespace_of(std::string_view text) {
  moqt::TrackNamespace name;
  for (;;) {
    const std::size_t end = text.find('/');
    name.append(base::as_bytes(text.substr(0, end)));
    if (end == std::string_view::npos) return name;
    text.remove_prefix(end + 1);
  }
}

/// Takes as long whatever the first difference is, so that a token cannot be found out byte by byte.
bool equal_in_constant_time(const base::ByteVector& left, const base::ByteVector& right) noexcept {
  if (left.size() != right.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) difference |= static_cast<unsigned>(left[i] ^ right[i]);
  return difference == 0;
}

}  // namespace

base::Result<TokenPolicy, std::string> TokenPolicy::parse(std::string_view list) {
  TokenPolicy policy;
  std::size_t number = 0;
  const auto wrong = [&number](std::string_view why) {
    return base::Failure{"line " + std::to_string(number) + ": " + std::string(why)};
  };
  while (!list.empty()) {
    ++number;
    const std::size_t end = std::min(list.find('\n'), list.size());
    std::string_view line = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::string_view token = next_word(line);
    if (token.empty()) continue;
    Grant grant;
    const auto shown = moqt::token_of_text(token);
    if (!shown) return wrong("a token without a value");
    grant.token_type = shown->token_type;
    grant.value = shown->value;
    std::string_view actions = next_word(line);
    if (actions.empty()) actions = "*";
    for (;;) {
      const std::size_t comma = actions.find(',');
      const std::string_view action = actions.substr(0, comma);
      const bool all = action == "*";
      if (!all && action != "publish" && action != "subscribe" && action != "fetch") {
        return wrong("what a token allows is publish, subscribe, fetch or *, separated by commas");
      }
      grant.publish |= all || action == "publish";
      grant.subscribe |= all || action == "subscribe";
      grant.fetch |= all || action == "fetch";
      if (comma == std::string_view::npos) break;
      actions.remove_prefix(comma + 1);
    }
    if (const std::string_view prefix = next_word(line); !prefix.empty()) {
      grant.prefix = namespace_of(prefix);
      if (!grant.prefix.valid()) return wrong("a namespace has 1 to 32 fields, of together at most 4096 bytes");
    }
    if (!next_word(line).empty()) return wrong("a token, what it allows and a namespace, and nothing more");
    policy.grants_.push_back(std::move(grant));
  }
  if (policy.grants_.empty())
    return base::Failure{std::string("there is no token in the list: nobody could do anything")};
  return policy;
}

bool TokenPolicy::Grant::is_of(const moqt::AuthorizationToken& token) const noexcept {
  return token.token_type == token_type && equal_in_constant_time(token.value, value);
}

bool TokenPolicy::Grant::allows(Operation operation, const moqt::TrackNamespace& name) const {
  if (prefix.field_count() > 0 && !prefix.is_prefix_of(name)) return false;
  switch (operation) {
    case Operation::kPublish:
    case Operation::kPublishNamespace: return publish;
    case Operation::kSubscribe:
    case Operation::kSubscribeUpdate:
    case Operation::kSubscribeNamespace:
    case Operation::kTrackStatus: return subscribe;
    case Operation::kFetch: return fetch;
    case Operation::kSetup: return true;
  }
  return false;
}

bool TokenPolicy::known(const Tokens& tokens) const {
  return std::any_of(tokens.begin(), tokens.end(), [&](const moqt::AuthorizationToken& token) {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) { return grant.is_of(token); });
  });
}

bool TokenPolicy::allowed(const Tokens& tokens, const moqt::session::AuthorizationRequested& question) const {
  return std::any_of(tokens.begin(), tokens.end(), [&](const moqt::AuthorizationToken& token) {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
      return grant.is_of(token) && grant.allows(question.operation, question.track.track_namespace);
    });
  });
}

std::optional<Verdict> TokenPolicy::judge(const Applicant& applicant,
                                          const moqt::session::AuthorizationRequested& question) {
  if (question.operation == Operation::kSetup) {
    if (question.tokens.empty()) return Verdict::allow();
    if (!known(question.tokens)) return Verdict::refuse(moqt::RequestErrorCode::kUnauthorized, "no known token");
    sessions_[applicant.peer] = question.tokens;
    return Verdict::allow();
  }
  // The subscription was allowed; an update that shows nothing new asks for nothing new.
  if (question.operation == Operation::kSubscribeUpdate && question.tokens.empty()) return Verdict::allow();
  const auto session = sessions_.find(applicant.peer);
  if (allowed(question.tokens, question) || (session != sessions_.end() && allowed(session->second, question))) {
    return Verdict::allow();
  }
  return Verdict::refuse(moqt::RequestErrorCode::kUnauthorized, "no token that allows this");
}

}  // namespace msquic_py::relay

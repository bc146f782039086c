#include "command_line/draft_option.h"

#include <CLI/CLI.hpp>

#include "runtime/endpoint.h"

namespace msquic_py::apps {

namespace {

std::string number_of(moqt::Draft draft) { return std::to_string(static_cast<unsigned>(draft)); }

}  // namespace

void add_draft_option(CLI::App& app, std::vector<moqt::Draft>& drafts) {
  std::string known;
  for (const moqt::Draft draft : runtime::all_drafts()) known += (known.empty() ? "" : ", ") + number_of(draft);
  app.add_option_function<std::vector<unsigned>>(
         "--draft",
         [&drafts, known](const std::vector<unsigned>& numbers) {
           drafts.clear();
           for (const unsigned number : numbers) {
             const auto draft = moqt::draft_from_alpn("moqt-" + std::to_string(number));
             if (!draft)
               throw CLI::ValidationError("--draft",
                                          "draft-" + std::to_string(number) + " is not spoken; " + known + " are");
             drafts.push_back(*draft);
           }
         },
         "Speak this draft of MOQT only, " + known + "; repeated: any of them, the first one preferred")
      ->allow_extra_args(false)
      ->type_name("NUMBER")
      ->default_str(known);
}

std::string spoken_drafts() {
  std::string text = "draft-ietf-moq-transport";
  const char* separator = "-";
  for (const moqt::Draft draft : runtime::all_drafts()) {
    text += separator + number_of(draft);
    separator = ", -";
  }
  return text;
}

}  // namespace msquic_py::apps

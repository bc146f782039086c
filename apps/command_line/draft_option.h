#pragma once

#include <string>
#include <vector>

#include "moqt/model/draft.h"

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// Adds --draft, which may be repeated: what is given replaces `drafts`, the most preferred first.
void add_draft_option(CLI::App& app, std::vector<moqt::Draft>& drafts);

/// "draft-ietf-moq-transport-18, -15": what the programs speak.
std::string spoken_drafts();

}  // namespace msquic_py::apps

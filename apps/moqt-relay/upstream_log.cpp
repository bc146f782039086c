#include "upstream_log.h"

#include "command_line/logging.h"

namespace msquic_py::apps {

void UpstreamLog::operator()(const runtime::UpstreamNotice& notice) {
  const std::string& name = names_.at(notice.upstream);
  if (notice.connected) {
    failed_[notice.upstream] = false;
    return log_info("connected with upstream " + name);
  }
  if (failed_[notice.upstream] || !notice.redial) return;
  failed_[notice.upstream] = true;
  log_warning("no session with upstream " + name + ": " + notice.reason + "; dialling again");
}

}  // namespace msquic_py::apps

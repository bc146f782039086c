#include "moqt_session_transport.h"

#include <memory>
#include <utility>

#include "moqt_session_channel.h"
#include "moqt_topics.h"
#include "msquic_connection_facts.h"

namespace msquic_py::python {

runtime::CertificateJudge judge_in_python(std::shared_ptr<SessionChannel> channel, std::uint64_t target) {
  return [channel = std::move(channel), target](const quic::Connection& connection, runtime::ShownCertificate&& shown) {
    channel->push({.target = target,
                   .kind = Notice::Kind::Certificate,
                   .connection = connection,
                   .certificate = std::make_shared<runtime::ShownCertificate>(std::move(shown))});
  };
}

void bind_session_transport(nb::module_& m) {
  nb::class_<SessionTransport> transport(m, "SessionTransport", "The connection under a session.", nb::is_final());
  bind_connection_facts<SessionTransport>(transport);
  transport.def_prop_ro("resumed", &SessionTransport::resumed, "Whether the handshake resumed an earlier session.");
}

}  // namespace msquic_py::python

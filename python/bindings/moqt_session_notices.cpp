#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "dispatch_exit.h"
#include "moqt/session/session_error.h"
#include "moqt_arguments.h"
#include "moqt_parameters.h"
#include "moqt_session_fetch.h"
#include "moqt_session_handles.h"
#include "moqt_session_transport.h"
#include "moqt_topics.h"
#include "msquic_certificate.h"
#include "msquic_errors.h"
#include "msquic_session_ticket.h"
#include "quic/library.h"

namespace msquic_py::python {
namespace {

using Kind = Notice::Kind;

nb::object text(const std::string& value) {
  return nb::steal(PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
}

nb::object location(const std::optional<moqt::Location>& value) {
  return value ? nb::cast(*value) : nb::object(nb::none());
}

nb::object seconds(const std::optional<std::uint64_t>& milliseconds) {
  return milliseconds ? nb::float_(static_cast<double>(*milliseconds) / 1000) : nb::object(nb::none());
}

/// The fields of moqt.asyncio.TrackProperties.
nb::object properties(const moqt::MessageParameters& said) {
  return nb::make_tuple(seconds(said.track_delivery_timeout()), seconds(said.max_cache_duration()),
                        said.publisher_priority().value_or(128),
                        said.track_group_order().value_or(moqt::GroupOrder::kAscending),
                        said.dynamic_groups().value_or(false), seconds(said.track_subgroup_delivery_timeout()));
}

nb::object error_of(const Notice& notice) {
  if (!notice.error) return notice.close ? close_exception(*notice.close) : nb::object(nb::none());
  return nb::steal(exception_for(*notice.error));
}

nb::object ticket(const base::ByteVector& bytes) {
  nb::object made = nb::steal(session_ticket_object(bytes));
  if (!made.is_valid()) nb::raise_python_error();
  return made;
}

nb::object certificate(Notice& notice) {
  const runtime::ShownCertificate& shown = *notice.certificate;
  const nb::object transport = nb::cast(SessionTransport(std::move(notice.connection), false));
  const nb::object made =
      nb::steal(peer_certificate_object(shown.chain, shown.server_name, shown.verdict, transport.ptr()));
  if (!made.is_valid()) nb::raise_python_error();
  return nb::make_tuple(transport, made);
}

nb::object fetch_request(Notice& notice) {
  const moqt::session::FetchReceived& asked = notice.response->response->request();
  const nb::object start = nb::cast(asked.range.start);
  const nb::object end = nb::cast(asked.range.end);
  return nb::make_tuple(nb::cast(ResponseHandle(std::move(notice.response))), start, end, nb::cast(asked.group_order),
                        asked.subscriber_priority);
}

/// (whose, operation, namespace or None, name, tokens, setup parameters, transport).
nb::object authorization_request(Notice& notice) {
  const moqt::session::AuthorizationRequested& asked = *notice.question;
  const auto operation = moqt::session::name(asked.operation);
  nb::object name_space = nb::none();
  if (asked.track.track_namespace.field_count() > 0) name_space = nb::cast(asked.track.track_namespace);
  nb::list tokens;
  for (const moqt::AuthorizationToken& token : asked.tokens) tokens.append(nb::cast(token));
  return nb::make_tuple(notice.code, nb::str(operation.data(), operation.size()), name_space,
                        to_python(base::Bytes(asked.track.track_name)), tokens,
                        to_python(static_cast<const moqt::ParameterList&>(notice.parameters)),
                        nb::cast(SessionTransport(std::move(notice.connection), notice.flag)));
}

nb::object seconds_of(std::optional<std::uint64_t> milliseconds) {
  if (!milliseconds) return nb::none();
  return nb::float_(static_cast<double>(*milliseconds) / 1000);
}

/// The fields of moqt.asyncio.Change.
nb::object change(const Notice& notice) {
  const auto forward = notice.properties.forward();
  const auto filter = notice.properties.filter();
  return nb::make_tuple(location(notice.largest), forward ? nb::object(nb::bool_(!*forward)) : nb::none(),
                        filter ? nb::cast(*filter) : nb::none());
}

nb::object value_of(Notice& notice) {
  switch (notice.kind) {
    case Kind::Established: return to_python(static_cast<const moqt::ParameterList&>(notice.parameters));
    case Kind::Accepted:
      return nb::make_tuple(nb::cast(SessionHandle(std::move(notice.session))),
                            to_python(static_cast<const moqt::ParameterList&>(notice.parameters)),
                            nb::cast(SessionTransport(std::move(notice.connection), notice.flag)));
    case Kind::Closed: {
      const auto name = moqt::name(static_cast<moqt::SessionErrorCode>(notice.code));
      return nb::make_tuple(notice.code, nb::str(name.data(), name.size()), text(notice.text), notice.flag,
                            error_of(notice));
    }
    case Kind::Refused:
    case Kind::Cancelled: {
      const auto name = moqt::name(static_cast<moqt::RequestErrorCode>(notice.code));
      return nb::make_tuple(notice.code, nb::str(name.data(), name.size()), text(notice.text),
                            seconds_of(notice.retry_after_ms), notice.redirect);
    }
    case Kind::Answered:
      return nb::make_tuple(location(notice.largest), notice.track_alias, properties(notice.properties));
    case Kind::Going: return text(notice.text);
    case Kind::Changed: return change(notice);
    case Kind::Failed: {  // what the wire cannot carry is an error of another kind than what is not possible now
      const auto error = static_cast<moqt::session::SessionError>(notice.code);
      using enum moqt::session::SessionError;
      return nb::make_tuple(error == kInvalidName || error == kTooLarge, text(notice.text));
    }
    case Kind::Subscribers: return nb::make_tuple(notice.code, notice.flag);
    case Kind::Namespace: return nb::make_tuple(nb::cast(notice.track_namespace), notice.flag);
    case Kind::Offer:
      return nb::make_tuple(nb::cast(notice.track_namespace), to_python(base::Bytes(notice.track_name)),
                            location(notice.largest), properties(notice.properties));
    case Kind::Skipped:
      return nb::make_tuple(nb::cast(notice.track_namespace), to_python(base::Bytes(notice.track_name)));
    case Kind::Listening:
    case Kind::Told:
    case Kind::NewGroup: return nb::int_(notice.code);
    case Kind::NotListening: return error_of(notice);
    case Kind::Connected: return nb::cast(SessionTransport(std::move(notice.connection), notice.flag));
    case Kind::Ticket: return ticket(notice.track_name);
    case Kind::Certificate: return certificate(notice);
    case Kind::Asked: return nb::cast(notice.track_namespace);
    case Kind::FetchAsked: return fetch_request(notice);
    case Kind::Authorize: return authorization_request(notice);
    case Kind::Authorized: return nb::make_tuple(notice.code, notice.flag);
    case Kind::FetchGone:
    case Kind::Drained:
    case Kind::Readable:
    case Kind::Ended:
    case Kind::Stopped: return nb::none();
  }
  return nb::none();
}

}  // namespace

nb::tuple to_python(Notice& notice) {
  return nb::make_tuple(notice.target, static_cast<int>(notice.kind), notice.ticket, value_of(notice));
}

void bind_session_channel(nb::module_& m) {
  nb::class_<ChannelHandle>(m, "SessionChannel", "Notices of all sessions of one asyncio loop.", nb::is_final())
      .def("__init__",
           [](ChannelHandle* self) {
             ensure_usable();
             new (self) ChannelHandle{std::make_shared<SessionChannel>()};
           })
      .def_prop_ro(
          "file_descriptor", [](ChannelHandle& self) { return self.channel->wakeup().file_descriptor(); },
          "Readable when there are notices; -1 where there is none and wait() must be used.")
      .def(
          "next_target", [](ChannelHandle& self) { return self.channel->next_target(); },
          "A number for an object that notices are sent to, never 0.")
      .def(
          "take",
          [](ChannelHandle& self, std::size_t limit) {
            nb::list result;
            if (quic::Library::forked()) return result;
            for (Notice& notice : self.channel->take(limit)) result.append(to_python(notice));
            return result;
          },
          nb::arg("limit"), nb::sig("def take(self, limit: int) -> list[tuple[int, int, int, typing.Any]]"),
          "The oldest notices as (target, kind, ticket, value).")
      .def(
          "close", [](ChannelHandle& self) { self.channel->close(); }, "The loop is over: nothing more is told.")
      .def(
          "wait",
          [](ChannelHandle& self, double seconds) {
            const std::chrono::milliseconds patience(static_cast<std::int64_t>(seconds * 1000));
            return without_gil([&] { return self.channel->wakeup().wait(patience); });
          },
          nb::arg("seconds"), "Waits for notices, without the GIL. False when none came in that time.");
}

}  // namespace msquic_py::python

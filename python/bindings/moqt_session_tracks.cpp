// The tracks and groups that Python writes and reads.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "dispatch_exit.h"
#include "locked_class.h"
#include "moqt_arguments.h"
#include "moqt_deliveries.h"
#include "moqt_object_extensions.h"
#include "moqt_session_handles.h"
#include "moqt_session_thread.h"
#include "moqt_topics.h"
#include "moqt_track_options.h"
#include "msquic_errors.h"

namespace msquic_py::python {
namespace {

/// Bytes that may wait for the sessions' thread before a write is refused.
constexpr std::size_t kPostedLimit = 64 * 1024 * 1024;

void account(TrackLink& track, std::size_t bytes) {
  ensure_usable();
  // An object of any size may go when nothing else waits: nobody can write it in parts.
  const std::size_t waiting = track.posted.load();
  if (waiting > 0 && waiting + bytes > kPostedLimit) {
    PyErr_SetString(PyExc_BufferError, "more than 64 MiB wait to be sent: await drain() between writes");
    throw nb::python_error();
  }
  track.posted += bytes;
}

void write(GroupHandle& self, const BufferArgument& payload, nb::handle extensions, nb::handle object_id,
           nb::handle status) {
  const auto& group = self.group();
  TrackLink& track = *group->track;
  const ObjectExtensions block = make_extensions(extensions);
  const auto object = optional_number(object_id, "object_id");
  const auto what = status.is_none() ? moqt::ObjectStatus::kNormal
                                     : named_argument<moqt::ObjectStatus>(status, "status", "an ObjectStatus");
  const std::size_t size = payload.bytes().size() + block.bytes().size();
  account(track, size);
  track.post([group, object, what, size, bytes = base::SharedBytes::copy_of(payload.bytes()),
              headers = base::SharedBytes::copy_of(block.bytes())]() mutable {
    group->track->posted -= size;
    const moqt::Location place{group->number, object.value_or(0)};
    if (group->not_begun) group->track->refused.note(place, *group->not_begun);
    if (!group->writer) return;
    const auto written = what != moqt::ObjectStatus::kNormal ? group->writer->write_status(what, object)
                                                             : group->writer->write(std::move(bytes), headers, object);
    if (!written.ok()) group->track->refused.note(place, written.error());
    group->track->wrote();
  });
}

void write_datagram(TrackHandle& self, IntegerArgument group_id, IntegerArgument object_id,
                    const BufferArgument& payload, nb::handle extensions, std::optional<int> priority,
                    bool end_of_group) {
  const moqt::Location location{group_id.checked("group_id"), object_id.checked("object_id")};
  const ObjectExtensions block = make_extensions(extensions);
  const std::size_t size = payload.bytes().size() + block.bytes().size();
  std::optional<std::uint8_t> urgency;
  if (priority) urgency = static_cast<std::uint8_t>(*priority);
  account(*self.track, size);
  self.track->post([track = self.track, location, size, urgency, end_of_group,
                    bytes = base::SharedBytes::copy_of(payload.bytes()),
                    headers = base::SharedBytes::copy_of(block.bytes())] {
    track->posted -= size;
    if (!track->writer) return;
    const auto written = track->writer->write_datagram(location, bytes, headers, urgency, end_of_group);
    if (!written.ok()) track->refused.note(location, written.error());
    track->wrote();
  });
}

GroupHandle begin_group(TrackHandle& self, IntegerArgument group_id, IntegerArgument subgroup_id,
                        std::optional<int> priority, bool end_of_group) {
  ensure_usable();
  const std::uint64_t number = group_id.checked("group_id");
  const std::uint64_t subgroup = subgroup_id.checked("subgroup_id");
  auto group = std::make_shared<GroupLink>(self.track, number);
  moqt::pubsub::GroupOptions options;
  options.subgroup = subgroup;
  if (priority) options.publisher_priority = static_cast<std::uint8_t>(*priority);
  options.end_of_group = end_of_group;
  self.track->post([group, number, options] { group->track->begin_group(group, number, options); });
  return GroupHandle(std::move(group));
}

}  // namespace

void bind_session_tracks(nb::module_& m) {
  nb::class_<PythonObject>(
      m, "Object", "An object of a track (section 10.2.1), as a subscriber receives it. Read-only.", nb::is_final())
      .def_ro("group_id", &PythonObject::group_id, "Group ID.")
      .def_ro("subgroup_id", &PythonObject::subgroup_id, "Subgroup ID; of a datagram, its Object ID.")
      .def_ro("object_id", &PythonObject::object_id, "Object ID within the group.")
      .def_ro("publisher_priority", &PythonObject::publisher_priority, "0 (most urgent) to 255.")
      .def_ro("extensions", &PythonObject::extensions, nb::sig("def extensions(self) -> ObjectExtensions | None"),
              "The extension headers; None when there are none.")
      .def_ro("status", &PythonObject::status, "NORMAL for every object that has a payload.")
      .def_ro("payload", &PythonObject::payload, "The payload; empty for a status other than NORMAL.")
      .def_ro("datagram", &PythonObject::datagram, "Whether it came as a datagram.")
      .def_ro("end_of_group", &PythonObject::end_of_group,
              "Whether it is known to be the last of its group. On a stream that is known only after the last object\n"
              "has been handed out: subscribe with group_ends=True to learn it.")
      .def(
          "__repr__",
          [](const PythonObject& self) {
            const std::string status(moqt::name(self.status));
            const std::string text = "Object(group_id=" + std::to_string(self.group_id) +
                                     ", subgroup_id=" + std::to_string(self.subgroup_id) +
                                     ", object_id=" + std::to_string(self.object_id) + ", status=" + status +
                                     ", payload=<" + std::to_string(self.payload.size()) + " bytes>)";
            return nb::str(text.c_str());
          },
          nb::sig("def __repr__(self) -> str"));

  LockedClass<GroupHandle>(m, "GroupHandle", "A group on its way to the sessions' thread.", nb::is_final())
      .def("write", write, nb::arg("payload"), nb::arg("extensions").none(), nb::arg("object_id").none(),
           nb::arg("status").none(),
           nb::sig(
               "def write(self, payload: bytes | bytearray | memoryview, extensions: ObjectExtensions | "
               "collections.abc.Mapping[int, int | bytes] | collections.abc.Iterable[tuple[int, int | bytes]] | None, "
               "object_id: int | None, status: ObjectStatus | None) -> None"))
      .def("end", [](GroupHandle& self) { self.end(std::nullopt); })
      .def(
          "reset", [](GroupHandle& self, std::uint64_t code) { self.end(static_cast<moqt::StreamResetCode>(code)); },
          nb::arg("code"));

  nb::class_<TrackHandle>(m, "TrackHandle", "A published track.", nb::is_final())
      .def("begin_group", begin_group, nb::arg("group_id"), nb::arg("subgroup_id"), nb::arg("priority").none(),
           nb::arg("end_of_group"))
      .def("write_datagram", write_datagram, nb::arg("group_id"), nb::arg("object_id"), nb::arg("payload"),
           nb::arg("extensions").none(), nb::arg("priority").none(), nb::arg("end_of_group"),
           nb::sig("def write_datagram(self, group_id: int, object_id: int, payload: bytes | bytearray | memoryview, "
                   "extensions: ObjectExtensions | collections.abc.Mapping[int, int | bytes] | "
                   "collections.abc.Iterable[tuple[int, int | bytes]] | None, priority: int | None, "
                   "end_of_group: bool) -> None"))
      .def_prop_ro(
          "waiting", [](const TrackHandle& self) { return self.track->waiting(); }, "Bytes not sent yet.")
      .def_prop_ro("groups_skipped", [](const TrackHandle& self) { return self.track->groups_skipped.load(); })
      .def(
          "take_refusal", [](TrackHandle& self) { return refusal_of(self.track->refused); }, nb::sig(kTakeRefusal),
          "The first object since the last call that was not taken: (group ID, object ID, reason).")
      .def(
          "flush",
          [](TrackHandle& self, std::uint64_t ticket) {
            self.track->post([track = self.track, ticket] {
              track->channel->push({.target = track->waiter, .kind = Notice::Kind::Drained, .ticket = ticket});
            });
          },
          nb::arg("ticket"), "Says Drained when everything written before has been looked at.")
      .def(
          "statistics",
          [](const TrackHandle& self) {
            nb::dict values = deliveries_dict(without_gil([&] { return self.track->deliveries(); }));
            values["refused"] = self.track->refused.count();
            return values;
          },
          nb::sig("def statistics(self) -> dict[str, int]"),
          "What became of its objects, asked of the sessions' thread.")
      .def(
          "drain",
          [](TrackHandle& self, std::uint64_t ticket) {
            self.track->post([track = self.track, ticket] { track->drain(ticket); });
          },
          nb::arg("ticket"))
      .def(
          "notify_state",
          [](TrackHandle& self, std::uint64_t ticket, std::optional<bool> forward, nb::handle filter) {
            moqt::MessageParameters changes;
            if (forward) changes.set_forward(*forward);
            if (!filter.is_none()) changes.set_filter(nb::cast<moqt::SubscriptionFilter>(filter));
            self.track->post([track = self.track, ticket, changes] {
              track->told(ticket, track->writer ? track->writer->notify_state(changes) : 0);
            });
          },
          nb::arg("ticket"), nb::arg("forward").none(), nb::arg("filter").none(),
          nb::sig("def notify_state(self, ticket: int, forward: bool | None, filter: SubscriptionFilter | None) "
                  "-> None"),
          "Says Told.")
      .def(
          "move_subscribers",
          [](TrackHandle& self, std::uint64_t ticket, std::string uri) {
            self.track->post([track = self.track, ticket, uri = std::move(uri)] {
              track->told(ticket, track->writer ? track->writer->move_subscribers(uri) : 0);
            });
          },
          nb::arg("ticket"), nb::arg("uri"), "Says Told.")
      .def("end", [](TrackHandle& self) { self.track->post([track = self.track] { track->end(); }); });

  nb::class_<ReaderHandle>(m, "ReaderHandle", "A received track.", nb::is_final())
      .def(
          "take", [](ReaderHandle& self, std::size_t limit) { return self.reader()->take(limit); }, nb::arg("limit"),
          nb::sig("def take(self, limit: int) -> list[Object]"))
      .def(
          "end", [](ReaderHandle& self) { return self.reader()->end(); },
          nb::sig("def end(self) -> tuple[int, int, str, int, int] | None"))
      .def_prop_ro("expires_in", [](ReaderHandle& self) { return self.reader()->expires_in(); })
      .def_prop_ro("dropped", [](ReaderHandle& self) { return self.reader()->dropped(); })
      .def_prop_ro("too_large", [](ReaderHandle& self) { return self.reader()->too_large(); })
      .def(
          "statistics", [](ReaderHandle& self) { return self.reader()->statistics(); },
          nb::sig("def statistics(self) -> dict[str, int]"))
      .def("unsubscribe", &ReaderHandle::unsubscribe)
      .def(
          "move",
          [](ReaderHandle& self, std::uint64_t ticket, std::string uri) {
            self.session().post([reader = self.reader(), ticket, uri = std::move(uri)](SessionLink& link) {
              if (!reader->reader()) return link.failed(ticket, moqt::session::SessionError::kWrongState);
              link.move(ticket, reader->reader()->subscription(), uri);
            });
          },
          nb::arg("ticket"), nb::arg("uri"))
      .def(
          "update",
          [](ReaderHandle& self, std::uint64_t ticket, const nb::dict& options) {
            const moqt::MessageParameters parameters = update_parameters(options);
            const bool new_group = flag_argument(nb::object(options["new_group"]), "new_group");
            self.session().post([reader = self.reader(), ticket, parameters, new_group](SessionLink& link) {
              link.update(reader, ticket, parameters, new_group);
            });
          },
          nb::arg("ticket"), nb::arg("options"),
          nb::sig("def update(self, ticket: int, options: dict[str, typing.Any]) -> None"));
}

}  // namespace msquic_py::python

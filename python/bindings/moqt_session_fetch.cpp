// FETCH: what Python asks for, and what it answers.
#include "moqt_session_fetch.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <utility>

#include "moqt/model/fetch_range.h"
#include "moqt_arguments.h"
#include "moqt_deliveries.h"
#include "moqt_object_extensions.h"
#include "moqt_session_handles.h"
#include "moqt_topics.h"
#include "msquic_errors.h"
#include "quic/library.h"

namespace msquic_py::python {

using moqt::pubsub::FetchReader;
using moqt::pubsub::ReceivedObject;

namespace {

constexpr std::size_t kTakenBytes = 1024 * 1024;

/// The next object of an answer. What does not belong there, by its place or its size, breaks the answer off.
void write_past(ResponseHandle& self, IntegerArgument group, IntegerArgument object_id, IntegerArgument subgroup,
                IntegerArgument priority, const BufferArgument& payload, nb::handle extensions, nb::handle status) {
  ensure_usable();
  const ObjectExtensions block = make_extensions(extensions);
  moqt::session::FetchObject object;
  object.location = {group.checked("group_id"), object_id.checked("object_id")};
  object.subgroup = subgroup.checked("subgroup_id");
  object.publisher_priority = static_cast<std::uint8_t>(priority.checked("publisher_priority", 255));
  if (!status.is_none()) object.status = named_argument<moqt::ObjectStatus>(status, "status", "an ObjectStatus");
  object.extensions = base::SharedBytes::copy_of(block.bytes());
  object.payload = base::SharedBytes::copy_of(payload.bytes());
  object.payload_length = object.payload.size();
  self.link()->session->post([link = self.link(), object = std::move(object)](SessionLink&) {
    if (!link->response->open()) return;
    const auto written = link->response->write(object);
    if (written.ok()) return;
    link->refused.note(object.location, written.error());
    (void)link->response->reject(moqt::RequestErrorCode::kInternalError, "not what was asked for");
  });
}

void write_gap(ResponseHandle& self, IntegerArgument group_id, IntegerArgument end_object, bool timed_out) {
  ensure_usable();
  const moqt::Location end{group_id.checked("group_id"), end_object.checked("object_id")};
  const auto gap = timed_out ? moqt::wire::FetchGap::kTimedOut : moqt::wire::FetchGap::kUnknown;
  self.link()->session->post([link = self.link(), end, gap](SessionLink&) {
    if (!link->response->open()) return;
    const auto written = link->response->leave_gap(end, gap);
    if (written.ok()) return;
    if (written.error() == moqt::session::SessionError::kNotInDraft) {
      (void)link->response->reject(moqt::RequestErrorCode::kUnknownStatusInRange, "some of the range is not known");
      return;
    }
    link->refused.note(end, written.error());
    (void)link->response->reject(moqt::RequestErrorCode::kInternalError, "not what was asked for");
  });
}

}  // namespace

// ---- FetchLink ----

void FetchLink::attach(std::shared_ptr<FetchReader> reader) {
  reader_ = std::move(reader);
  const std::lock_guard lock(mutex_);
  taken_from_ = reader_;
}

void FetchLink::look() {
  if (!reader_) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = reader_->end();
    range_end_ = reader_->range_end();
    end_of_track_ = reader_->end_of_track();
  }
  if (waiting_.exchange(false)) session_->channel()->push({.target = target_, .kind = Notice::Kind::Readable});
}

void FetchLink::discard() {
  ReceivedObject object;
  while (reader_ && reader_->read(object)) {
  }
}

std::shared_ptr<FetchReader> FetchLink::shared_reader() {
  const std::lock_guard lock(mutex_);
  return taken_from_;
}

nb::list FetchLink::take(std::size_t limit) {
  nb::list result;
  const auto reader = shared_reader();
  if (!reader) {  // it has not begun; whoever attaches the reader looks afterwards
    waiting_.store(true);
    return result;
  }
  std::vector<ReceivedObject> taken;
  std::size_t bytes = 0;
  const auto fetch = [&] {
    ReceivedObject object;
    // A gap is there before what comes behind it, so one that is not here is behind all that is.
    const auto& queue = *reader->queue();
    const std::uint64_t here = queue.taken() + queue.size();
    const auto gap = reader->next_gap();
    const std::uint64_t until = gap ? std::min(here, gap->objects_before) : here;
    while (taken.size() < limit && bytes < kTakenBytes && queue.taken() < until && reader->queue()->pop(object)) {
      if (progress_ && !progress_->take_past(object)) continue;
      bytes += object.payload_size;
      taken.push_back(std::move(object));
      object = {};
    }
    return !taken.empty();
  };
  if (!fetch()) {
    // What comes after this is told; what came before this is seen here.
    waiting_.store(true);
    if (fetch()) waiting_.store(false);
  }
  if (reader->wants_resume()) session_->post([reader](SessionLink&) { reader->resume(); });
  for (const ReceivedObject& each : taken) result.append(to_python(each, false));
  return result;
}

nb::object FetchLink::take_gap() {
  const auto reader = shared_reader();
  if (!reader || !reader->at_gap()) return nb::none();
  const auto gap = reader->take_gap();
  nb::object before = nb::none();
  if (gap->behind) before = nb::cast(moqt::FetchRange::behind(*gap->behind));
  return nb::make_tuple(before, moqt::FetchRange::behind(gap->last), gap->timed_out);
}

nb::object FetchLink::end() {
  std::optional<moqt::pubsub::FetchEnd> end;
  {
    const std::lock_guard lock(mutex_);
    end = end_;
    if (!end || (taken_from_ && (taken_from_->queue()->size() > 0 || taken_from_->next_gap()))) return nb::none();
  }
  nb::object retry_after = nb::none();
  if (end->retry_after_ms) retry_after = nb::float_(static_cast<double>(*end->retry_after_ms) / 1000);
  return nb::make_tuple(static_cast<int>(end->cause), end->code, nb::str(end->reason.data(), end->reason.size()),
                        retry_after, end->redirect);
}

nb::object FetchLink::accepted() {
  const std::lock_guard lock(mutex_);
  if (!range_end_) return nb::none();
  return nb::make_tuple(nb::cast(*range_end_), end_of_track_);
}

std::uint64_t FetchLink::too_large() {
  const auto reader = shared_reader();
  return reader ? reader->objects_too_large() : 0;
}

// ---- handles ----

void FetchHandle::cancel() {
  session_->post([fetch = fetch_](SessionLink& link) { link.cancel_fetch(fetch); });
}

FetchHandle::~FetchHandle() {
  if (fetch_ && !quic::Library::forked()) cancel();
}

ResponseHandle::~ResponseHandle() {
  if (!link_ || quic::Library::forked()) return;
  link_->session->post([link = link_](SessionLink& session) { session.forget(*link); });
}

void bind_session_fetch(nb::module_& m) {
  nb::class_<FetchHandle>(m, "FetchHandle", "Past objects that were asked for.", nb::is_final())
      .def(
          "take", [](FetchHandle& self, std::size_t limit) { return self.fetch()->take(limit); }, nb::arg("limit"),
          nb::sig("def take(self, limit: int) -> list[Object]"))
      .def(
          "take_gap", [](FetchHandle& self) { return self.fetch()->take_gap(); },
          nb::sig("def take_gap(self) -> tuple[Location | None, Location, bool] | None"))
      .def(
          "end", [](FetchHandle& self) { return self.fetch()->end(); },
          nb::sig("def end(self) -> tuple[int, int, str, float | None, Redirect | None] | None"))
      .def_prop_ro(
          "accepted", [](FetchHandle& self) { return self.fetch()->accepted(); },
          nb::sig("def accepted(self) -> tuple[Location, bool] | None"))
      .def_prop_ro("too_large", [](FetchHandle& self) { return self.fetch()->too_large(); })
      .def("cancel", &FetchHandle::cancel);

  nb::class_<ResponseHandle>(m, "ResponseHandle", "The answer to a FETCH of the peer.", nb::is_final())
      .def("write", write_past, nb::arg("group_id"), nb::arg("object_id"), nb::arg("subgroup_id"), nb::arg("priority"),
           nb::arg("payload"), nb::arg("extensions").none(), nb::arg("status").none(),
           nb::sig("def write(self, group_id: int, object_id: int, subgroup_id: int, priority: int, payload: bytes | "
                   "bytearray | memoryview, extensions: ObjectExtensions | collections.abc.Mapping[int, int | bytes] | "
                   "collections.abc.Iterable[tuple[int, int | bytes]] | None, status: ObjectStatus | None) -> None"))
      .def("write_gap", write_gap, nb::arg("group_id"), nb::arg("end_object"), nb::arg("timed_out"))
      .def(
          "drain",
          [](ResponseHandle& self, std::uint64_t ticket) {
            self.link()->session->post(
                [link = self.link(), ticket](SessionLink& session) { session.drain(link, ticket); });
          },
          nb::arg("ticket"))
      .def(
          "take_refusal", [](ResponseHandle& self) { return refusal_of(self.link()->refused); }, nb::sig(kTakeRefusal))
      .def_prop_ro("session", [](ResponseHandle& self) { return self.link()->session->target(); })
      .def("finish",
           [](ResponseHandle& self) {
             self.link()->session->post([link = self.link()](SessionLink&) { (void)link->response->finish(); });
           })
      .def(
          "refuse",
          [](ResponseHandle& self, std::uint64_t code, const std::string& reason) {
            self.link()->session->post([link = self.link(), code, reason](SessionLink&) {
              (void)link->response->reject(static_cast<moqt::RequestErrorCode>(code), reason);
            });
          },
          nb::arg("code"), nb::arg("reason"));
}

}  // namespace msquic_py::python

#include "moqt_session_reader.h"

#include <utility>

#include "moqt_arguments.h"
#include "moqt_object_extensions.h"
#include "moqt_session_thread.h"

namespace msquic_py::python {
namespace {

using moqt::pubsub::ReceivedObject;

nb::object to_python(const ReceivedObject& object, bool end_of_group) {
  PythonObject result;
  result.group_id = object.location.group;
  result.subgroup_id = object.subgroup;
  result.object_id = object.location.object;
  result.publisher_priority = object.publisher_priority;
  result.status = object.status;
  result.datagram = object.datagram;
  result.end_of_group = end_of_group || object.status == moqt::ObjectStatus::kEndOfGroup;
  result.extensions =
      object.extensions.empty() ? nb::object(nb::none()) : nb::cast(checked_extensions(object.extensions));
  if (object.payload.size() == 1) {
    result.payload = nb::bytes(object.payload.front().data(), object.payload_size);
  } else if (object.payload_size > 0) {
    PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(object.payload_size));
    if (bytes == nullptr) nb::raise_python_error();
    object.copy_payload(reinterpret_cast<std::uint8_t*>(PyBytes_AsString(bytes)));
    result.payload = nb::steal<nb::bytes>(bytes);
  }
  return nb::cast(std::move(result));
}

}  // namespace

void ReaderLink::fill() {
  if (!reader_) return;
  bool notify = false;
  {
    const std::lock_guard lock(mutex_);
    if (taken_ == ready_.size()) {
      ready_.clear();
      taken_ = 0;
    }
    ReceivedObject object;
    while (ready_.size() - taken_ < kReadyObjects && ready_bytes_ < kReadyBytes && reader_->read(object)) {
      // Of a datagram it is known when it comes; of a stream only after its last object has been handed out.
      const bool beside = object.implied && object.datagram;
      if (object.implied && !group_ends_ && !beside) continue;
      ready_bytes_ += object.payload_size;
      ready_.push_back(std::move(object));
    }
    dropped_ = reader_->objects_dropped();
    if (reader_->end() && reader_->available() == 0) end_ = reader_->end();
    if (taken_ < ready_.size() || end_) notify = std::exchange(wanted_, false);
  }
  if (notify) {
    channel_->push({.target = target_, .kind = Notice::Kind::Readable});
  }
}

nb::list ReaderLink::take(std::size_t limit) {
  std::vector<ReceivedObject> objects;
  bool refill = false;
  {
    const std::lock_guard lock(mutex_);
    while (taken_ < ready_.size() && objects.size() < limit) {
      ready_bytes_ -= ready_[taken_].payload_size;
      objects.push_back(std::move(ready_[taken_++]));
    }
    if (objects.empty() && !end_) wanted_ = true;
    refill = !end_ && taken_ == ready_.size();
  }
  if (refill) {
    session_loop().post([self = shared_from_this()] { self->fill(); });
  }
  nb::list result;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const ReceivedObject& object = objects[i];
    if (object.implied && object.datagram) {
      if (group_ends_) result.append(to_python(object, true));
      continue;
    }
    const bool last = i + 1 < objects.size() && objects[i + 1].implied && objects[i + 1].datagram;
    result.append(to_python(object, last));
  }
  return result;
}

nb::object ReaderLink::end() {
  std::optional<moqt::pubsub::TrackEnd> end;
  {
    const std::lock_guard lock(mutex_);
    if (taken_ < ready_.size() || !end_) return nb::none();
    end = end_;
  }
  return nb::make_tuple(static_cast<int>(end->cause), end->code, nb::str(end->reason.data(), end->reason.size()),
                        end->stream_count, end->missing_streams);
}

std::uint64_t ReaderLink::dropped() {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace msquic_py::python

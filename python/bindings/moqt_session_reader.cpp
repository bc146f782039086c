#include "moqt_session_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "moqt_arguments.h"
#include "moqt_object_extensions.h"

namespace msquic_py::python {

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

void ReaderLink::attach(std::shared_ptr<moqt::pubsub::TrackReader> reader) {
  reader_ = std::move(reader);
  const std::lock_guard lock(mutex_);
  queue_ = reader_->queue();
}

void ReaderLink::look() {
  if (!reader_) return;
  incomplete_ = reader_->objects_incomplete();
  streams_cut_ = reader_->streams_cut();
  repeated_ = reader_->objects_repeated();
  if (reader_->end()) {
    const std::lock_guard lock(mutex_);
    end_ = reader_->end();
  }
  if (waiting_.exchange(false)) channel_->push({.target = target_, .kind = Notice::Kind::Readable});
}

std::shared_ptr<moqt::pubsub::ObjectQueue> ReaderLink::queue() {
  const std::lock_guard lock(mutex_);
  return queue_;
}

nb::list ReaderLink::take(std::size_t limit) {
  struct Taken {
    ReceivedObject object;
    bool last = false;
  };
  nb::list result;
  const auto queue = this->queue();
  if (!queue) {  // it has not begun; whoever attaches the reader looks afterwards
    waiting_.store(true);
    return result;
  }
  std::vector<Taken> taken;
  std::size_t bytes = 0;
  const auto fetch = [&] {
    ReceivedObject object;
    while (taken.size() < limit && bytes < kTakenBytes && queue->pop(object)) {
      // Of a datagram it is known when it comes; of a stream only after its last object has been handed out.
      if (object.implied && object.datagram && !taken.empty()) taken.back().last = true;
      if (progress_ && !progress_->take(object)) continue;
      if (object.implied && !group_ends_) continue;
      bytes += object.payload_size;
      const bool last = object.implied && object.datagram;
      taken.push_back({std::move(object), last});
    }
    return !taken.empty();
  };
  if (!fetch()) {
    // What comes after this is told; what came before this is seen here.
    waiting_.store(true);
    if (fetch()) waiting_.store(false);
  }
  for (const Taken& each : taken) result.append(to_python(each.object, each.last));
  return result;
}

void ReaderLink::discard() {
  if (!reader_) return;
  ReceivedObject object;
  while (reader_->read(object)) {
  }
}

nb::object ReaderLink::end() {
  std::optional<moqt::pubsub::TrackEnd> end;
  {
    const std::lock_guard lock(mutex_);
    end = end_;
    if (!end || (queue_ && queue_->size() > 0)) return nb::none();
  }
  return nb::make_tuple(static_cast<int>(end->cause), end->code, nb::str(end->reason.data(), end->reason.size()),
                        end->stream_count, end->missing_streams);
}

std::optional<double> ReaderLink::expires_in() const {
  const moqt::session::Duration end = expiry_.load();
  if (end == moqt::session::Duration::zero()) return std::nullopt;
  const auto left = moqt::session::Time(end) - std::chrono::steady_clock::now();
  return std::max(0.0, std::chrono::duration<double>(left).count());
}

std::uint64_t ReaderLink::dropped() {
  const auto queue = this->queue();
  return queue ? queue->dropped() : 0;
}

nb::dict ReaderLink::statistics() {
  const auto queue = this->queue();
  nb::dict values;
  values["objects_received"] = queue ? queue->received() : 0;
  values["bytes_received"] = queue ? queue->received_bytes() : 0;
  values["objects_waiting"] = queue ? queue->size() : 0;
  values["bytes_waiting"] = queue ? queue->bytes() : 0;
  values["objects_dropped"] = queue ? queue->dropped() : 0;
  values["objects_too_large"] = queue ? queue->too_large() : 0;
  values["objects_incomplete"] = incomplete_.load();
  values["streams_cut"] = streams_cut_.load();
  values["objects_repeated"] = repeated_.load();
  return values;
}

std::uint64_t ReaderLink::too_large() {
  const auto queue = this->queue();
  return queue ? queue->too_large() : 0;
}

}  // namespace msquic_py::python

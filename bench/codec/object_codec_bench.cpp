// Objects per second through the codec, with the LOC extensions of a video frame: decoding a subgroup stream from 64
// KiB chunks as a relay does, encoding as a publisher does, and the same for datagrams.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "loc/header_extensions.h"
#include "moqt/wire/datagram.h"
#include "moqt/wire/extensions.h"
#include "moqt/wire/object_stream.h"

namespace {

using namespace msquic_py;
using namespace msquic_py::moqt::wire;
using moqt::Draft;

void require(bool condition) {
  if (!condition) std::abort();
}

/// The draft of a benchmark: its second argument.
Draft draft_of(const benchmark::State& state) { return static_cast<Draft>(state.range(1)); }

base::ByteVector loc_extensions(Draft draft, std::uint64_t timestamp) {
  moqt::KeyValuePairs pairs;
  require(loc::append_extensions(
              {.capture_timestamp = timestamp, .video_frame_marking = loc::VideoFrameMarking{.independent = true}},
              loc::Version::k01, pairs)
              .ok());
  base::ByteVector raw;
  require(encode_extensions(draft, pairs, raw).ok());
  return raw;
}

/// Objects 0, 1, 2 … of a subgroup stream with extensions, behind the stream header.
base::ByteVector subgroup_stream(Draft draft, std::size_t objects, std::size_t payload_size) {
  const base::ByteVector extensions = loc_extensions(draft, 1761000000000000);
  const base::ByteVector payload(payload_size, 0x5a);
  base::ByteVector out;
  std::optional<std::uint64_t> previous;
  for (std::uint64_t id = 0; id < objects; ++id) {
    require(encode_subgroup_object_header(draft, {id, extensions, payload_size, moqt::ObjectStatus::kNormal}, true,
                                          previous, out)
                .ok());
    out.insert(out.end(), payload.begin(), payload.end());
    previous = id;
  }
  return out;
}

void count_objects(benchmark::State& state, std::int64_t objects, std::int64_t payload_size) {
  state.SetItemsProcessed(objects);
  state.SetBytesProcessed(objects * payload_size);
}

void decode_subgroup_stream(benchmark::State& state) {
  const auto payload_size = static_cast<std::size_t>(state.range(0));
  const auto stream = base::SharedBytes::copy_of(subgroup_stream(draft_of(state), 1000, payload_size));
  const Draft draft = draft_of(state);
  std::int64_t objects = 0;
  for (auto _ : state) {
    SubgroupStreamDecoder decoder(draft, true);
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = std::min<std::size_t>(64 * 1024, stream.size() - at);
      decoder.feed(stream.slice(at, size));
      at += size;
      for (auto event = decoder.next(); event.ok(); event = decoder.next()) {
        if (const auto* start = std::get_if<ObjectStart>(&event.value())) {
          benchmark::DoNotOptimize(start->object_id);
          ++objects;
        } else {
          benchmark::DoNotOptimize(std::get<ObjectPayload>(event.value()).bytes.data());
        }
      }
    }
  }
  count_objects(state, objects, state.range(0));
}

void encode_subgroup_header_only(benchmark::State& state) {
  const auto payload_size = static_cast<std::uint64_t>(state.range(0));
  const Draft draft = draft_of(state);
  const base::ByteVector extensions = loc_extensions(draft, 1761000000000000);
  base::ByteVector out;
  std::uint64_t id = 1;
  for (auto _ : state) {
    out.clear();
    require(encode_subgroup_object_header(draft, {id, extensions, payload_size, moqt::ObjectStatus::kNormal}, true,
                                          id - 1, out)
                .ok());
    benchmark::DoNotOptimize(out.data());
    ++id;
  }
  count_objects(state, state.iterations(), state.range(0));
}

void encode_subgroup_whole(benchmark::State& state) {
  const Draft draft = draft_of(state);
  SubgroupObject object;
  object.object_id = 1;
  object.extensions = base::SharedBytes::copy_of(loc_extensions(draft, 1761000000000000));
  object.payload = base::SharedBytes::copy_of(base::ByteVector(static_cast<std::size_t>(state.range(0)), 0x5a));
  base::ByteVector out;
  for (auto _ : state) {
    out.clear();
    require(encode_subgroup_object(draft, object, true, object.object_id - 1, out).ok());
    benchmark::DoNotOptimize(out.data());
    ++object.object_id;
  }
  count_objects(state, state.iterations(), state.range(0));
}

ObjectDatagram datagram_of(Draft draft, std::size_t payload_size) {
  ObjectDatagram datagram;
  datagram.location = {7, 3};
  datagram.publisher_priority = 128;
  datagram.extensions = base::SharedBytes::copy_of(loc_extensions(draft, 1761000000000000));
  datagram.payload = base::SharedBytes::copy_of(base::ByteVector(payload_size, 0x5a));
  return datagram;
}

void decode_datagram(benchmark::State& state) {
  const Draft draft = draft_of(state);
  base::ByteVector bytes;
  require(encode_object_datagram(draft, datagram_of(draft, static_cast<std::size_t>(state.range(0))), bytes).ok());
  const auto shared = base::SharedBytes::copy_of(bytes);
  for (auto _ : state) {
    auto decoded = decode_object_datagram(draft, shared);
    benchmark::DoNotOptimize(decoded.value().payload.data());
  }
  count_objects(state, state.iterations(), state.range(0));
}

void encode_datagram(benchmark::State& state) {
  const Draft draft = draft_of(state);
  ObjectDatagram datagram = datagram_of(draft, static_cast<std::size_t>(state.range(0)));
  base::ByteVector out;
  for (auto _ : state) {
    out.clear();
    require(encode_object_datagram(draft, datagram, out).ok());
    benchmark::DoNotOptimize(out.data());
    ++datagram.location.object;
  }
  count_objects(state, state.iterations(), state.range(0));
}

// Bytes of payload, and the draft.
const std::vector<std::int64_t> kDrafts{15, 16, 18, 22};
void small_and_large(benchmark::internal::Benchmark* each) { each->ArgsProduct({{100, 1200}, kDrafts}); }

BENCHMARK(decode_subgroup_stream)->Apply(small_and_large);
BENCHMARK(encode_subgroup_whole)->Apply(small_and_large);
BENCHMARK(encode_subgroup_header_only)->ArgsProduct({{1200}, kDrafts});
BENCHMARK(decode_datagram)->Apply(small_and_large);
BENCHMARK(encode_datagram)->Apply(small_and_large);

}  // namespace

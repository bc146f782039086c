#include <gtest/gtest.h>

#include "moqt/model/error_codes.h"
#include "moqt/wire/object_stream.h"
#include "unit/vectors/stream_reading.h"
#include "unit/vectors/vector_file.h"

namespace msquic_py::tests {
namespace {

using moqt::Draft;

constexpr auto kProtocolViolation = static_cast<std::uint64_t>(moqt::SessionErrorCode::kProtocolViolation);

/// The group order of the fetch that a stream answers.
moqt::GroupOrder order_of(const Json& vector) {
  return vector.value("descending", false) ? moqt::GroupOrder::kDescending : moqt::GroupOrder::kAscending;
}

/// "subgroup" and "fetch": the kind is also the name of the file.
class StreamVectors : public testing::TestWithParam<VectorSet> {
 protected:
  void SetUp() override { file_ = load_vectors(GetParam().draft, GetParam().name, GetParam().name); }

  StreamReading read_whole(const Json& vector, base::Bytes stream) const {
    return file_.kind == "subgroup" ? read_whole_subgroup(file_.draft, stream)
                                    : read_whole_fetch(file_.draft, stream, order_of(vector));
  }
  StreamReading read_chunks(const Json& vector, base::Bytes stream, std::size_t chunk_size) const {
    return read_in_chunks(file_.draft, stream, chunk_size, order_of(vector));
  }
  /// With the functions for whole objects, and from chunks of several sizes.
  std::vector<StreamReading> read_every_way(const Json& vector, base::Bytes stream) const {
    std::vector<StreamReading> readings{read_whole(vector, stream)};
    for (const std::size_t chunk_size : {0U, 1U, 2U, 3U, 7U}) {
      readings.push_back(read_chunks(vector, stream, chunk_size));
    }
    return readings;
  }

  VectorFile file_;
};

TEST_P(StreamVectors, ReadToTheirObjectsHoweverTheyAreCutIntoChunks) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const Json objects = normalized_objects(vector, vector.at("objects").size());
    for (const base::ByteVector& image : images_of(file_.draft, vector)) {
      for (const StreamReading& reading : read_every_way(vector, image)) {
        ASSERT_FALSE(reading.violation) << describe(*reading.violation) << "\n" << to_hex(image).substr(0, 200);
        ASSERT_FALSE(reading.at_fin) << describe(*reading.at_fin);
        EXPECT_EQ(reading.header, normalized_header(vector));
        EXPECT_EQ(reading.objects, objects);
      }
    }
  }
}

// A prefix holds exactly the objects that end in it, is never malformed, and may end with FIN only behind an
// object.
TEST_P(StreamVectors, WaitAtEveryTruncation) {
  for (const Json& vector : file_.vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto ends = vector.at("ends").get<std::vector<std::size_t>>();
    ASSERT_EQ(ends.back(), image.size());
    for (const std::size_t cut : cut_points(image.size())) {
      SCOPED_TRACE("cut to " + std::to_string(cut));
      const bool has_header = cut >= ends.front();
      std::size_t complete = 0;
      bool boundary = false;
      for (std::size_t i = 0; i < ends.size(); ++i) {
        complete = ends[i] <= cut ? i : complete;
        boundary = boundary || ends[i] == cut;
      }
      const auto prefix = base::Bytes(image).first(cut);
      const StreamReading in_chunks = read_chunks(vector, prefix, 0);
      for (const StreamReading& reading : {read_whole(vector, prefix), in_chunks}) {
        ASSERT_FALSE(reading.violation) << describe(*reading.violation);
        ASSERT_EQ(!reading.header.is_null(), has_header);
        ASSERT_EQ(reading.objects.size(), complete);
        ASSERT_EQ(reading.objects, normalized_objects(vector, complete));
      }
      if (!has_header) continue;
      ASSERT_EQ(in_chunks.at_fin.has_value(), !boundary);
      if (in_chunks.at_fin) {
        ASSERT_EQ(in_chunks.at_fin->code, kProtocolViolation);
      }
    }
  }
}

TEST_P(StreamVectors, AreRefusedWithTheirError) {
  for (const Json& vector : file_.vectors) {
    if (!is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    if (vector.value("fin", false)) {
      for (const std::size_t chunk_size : {0U, 1U}) {
        const StreamReading reading = read_chunks(vector, image, chunk_size);
        ASSERT_FALSE(reading.violation) << describe(*reading.violation);
        ASSERT_TRUE(reading.at_fin);
        EXPECT_TRUE(matches_error(vector, *reading.at_fin)) << describe(*reading.at_fin);
      }
      continue;
    }
    for (const StreamReading& reading : read_every_way(vector, image)) {
      ASSERT_TRUE(reading.violation) << "objects: " << reading.objects.dump();
      EXPECT_TRUE(matches_error(vector, *reading.violation)) << describe(*reading.violation);
    }
    const std::size_t visible_at = vector.value("visible_at", image.size());
    const std::size_t chunk_size = image.size() < 1000 ? 1 : 0;
    for (const std::size_t cut : cut_points(image.size())) {
      const StreamReading reading = read_chunks(vector, base::Bytes(image).first(cut), chunk_size);
      if (cut >= visible_at) {
        ASSERT_TRUE(reading.violation) << "still waits after " << cut << " bytes";
      }
      if (reading.violation) {
        ASSERT_TRUE(matches_error(vector, *reading.violation)) << cut << " bytes: " << describe(*reading.violation);
      }
    }
  }
}

std::vector<VectorSet> stream_files() {
  std::vector<VectorSet> files;
  for (const Draft draft : kVectorDrafts) {
    files.push_back({draft, "subgroup"});
    files.push_back({draft, "fetch"});
  }
  return files;
}

INSTANTIATE_TEST_SUITE_P(Drafts, StreamVectors, testing::ValuesIn(stream_files()), test_name);

class DraftVectors : public testing::TestWithParam<Draft> {};
INSTANTIATE_TEST_SUITE_P(Drafts, DraftVectors, testing::ValuesIn(kVectorDrafts), draft_name);

// [d15 §10.4.2-3]
TEST_P(DraftVectors, HaveTheStreamTypesOfTheDraftAndNoOther) {
  const Draft draft = GetParam();
  std::size_t subgroup = 0, fetch = 0, others = 0, unknown = 0;
  for (const Json& vector : load_vectors(draft, "stream_type", "stream_type").vectors) {
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    if (!is_error(vector)) {
      moqt::wire::StreamHeaderDecoder decoder(draft);
      const auto found = decoder.feed(base::SharedBytes::copy_of(image));
      if (vector.at("stream") == "SETUP" || vector.at("stream") == "PADDING") {
        ++others;
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(decoder.rest().size(), vector.at("stream") == "SETUP" ? image.size() : 0);
        continue;
      }
      EXPECT_TRUE(found.needs_more());
      EXPECT_TRUE(decoder.started());
      const bool is_fetch = vector.at("stream") == "FETCH_HEADER";
      (is_fetch ? fetch : subgroup) += 1;
      EXPECT_EQ(moqt::wire::decode_fetch_header(draft, image).needs_more(), is_fetch);
      EXPECT_EQ(moqt::wire::decode_subgroup_header(draft, image).needs_more(), !is_fetch);
      continue;
    }
    ++unknown;
    const std::size_t visible_at = vector.at("visible_at").get<std::size_t>();
    for (const std::size_t chunk_size : {0U, 1U}) {
      const StreamReading reading = read_in_chunks(draft, base::Bytes(image).first(visible_at), chunk_size);
      ASSERT_TRUE(reading.violation);
      EXPECT_TRUE(matches_error(vector, *reading.violation)) << describe(*reading.violation);
    }
  }
  EXPECT_EQ(subgroup, draft <= Draft::k16 ? 24U : 48U);
  EXPECT_EQ(fetch, 1U);
  EXPECT_EQ(others, draft <= Draft::k16 ? 0U : 2U);
  EXPECT_GT(unknown, 40U);
}

TEST_P(DraftVectors, EncodeSubgroupsToTheirBytes) {
  using namespace moqt::wire;
  const Draft draft = GetParam();
  for (const Json& vector : load_vectors(draft, "subgroup", "subgroup").vectors) {
    if (!is_canonical(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto header = decode_subgroup_header(draft, image);
    ASSERT_TRUE(header.ok());
    base::ByteVector out;
    ASSERT_TRUE(encode_subgroup_header(draft, header->header, out).ok());
    auto rest = base::Bytes(image).subspan(header->size);
    std::optional<std::uint64_t> previous;
    while (!rest.empty()) {
      const auto object = decode_subgroup_object(draft, rest, header->header.has_extensions, previous);
      ASSERT_TRUE(object.ok());
      const auto encoded = encode_subgroup_object(draft, object->object, header->header.has_extensions, previous, out);
      ASSERT_TRUE(encoded.ok()) << moqt::wire::describe(encoded.error());
      previous = object->object.object_id;
      rest = rest.subspan(object->size);
    }
    EXPECT_EQ(to_hex(out), to_hex(image));
  }
}

// What a relay does: a delta of its own, then the header as it came, then the payload.
TEST_P(DraftVectors, RebuildSubgroupsFromTheHeaderBehindTheDelta) {
  using namespace moqt::wire;
  const Draft draft = GetParam();
  for (const Json& vector : load_vectors(draft, "subgroup", "subgroup").vectors) {
    if (!is_canonical(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const auto header = decode_subgroup_header(draft, image);
    ASSERT_TRUE(header.ok());
    const auto objects = base::Bytes(image).subspan(header->size);
    for (const std::size_t chunk_size : {std::size_t{1}, std::size_t{5}, image.size()}) {
      SubgroupStreamDecoder decoder(draft, header->header.has_extensions);
      base::ByteVector out;
      std::optional<std::uint64_t> previous;
      for (std::size_t at = 0; at < objects.size(); at += chunk_size) {
        decoder.feed(base::SharedBytes::copy_of(objects.subspan(at, std::min(chunk_size, objects.size() - at))));
        for (auto event = decoder.next(); !event.needs_more(); event = decoder.next()) {
          ASSERT_TRUE(event.ok());
          if (const auto* start = std::get_if<ObjectStart>(&*event)) {
            ASSERT_TRUE(encode_object_id_delta(draft, start->object_id, previous, out).ok());
            const auto behind = start->header_after_delta();
            out.insert(out.end(), behind.view().begin(), behind.view().end());
            previous = start->object_id;
          } else {
            const auto bytes = std::get<ObjectPayload>(*event).bytes;
            out.insert(out.end(), bytes.view().begin(), bytes.view().end());
          }
        }
      }
      EXPECT_EQ(to_hex(out), to_hex(objects));
    }
  }
}

TEST_P(DraftVectors, EncodeFetchStreamsToTheirBytes) {
  using namespace moqt::wire;
  const Draft draft = GetParam();
  std::size_t canonical = 0;
  for (const Json& vector : load_vectors(draft, "fetch", "fetch").vectors) {
    if (is_error(vector)) continue;
    SCOPED_TRACE(name_of(vector));
    const base::ByteVector image = bytes_of(vector.at("hex"));
    const moqt::GroupOrder order = order_of(vector);
    const auto header = decode_fetch_header(draft, image);
    ASSERT_TRUE(header.ok());
    base::ByteVector out;
    ASSERT_TRUE(encode_fetch_header(draft, header->header, out).ok());
    auto rest = base::Bytes(image).subspan(header->size);
    std::optional<FetchPriorObject> prior;
    while (!rest.empty()) {
      const auto object = decode_fetch_object(draft, rest, prior, order);
      ASSERT_TRUE(object.ok());
      const auto encoded =
          object->gap ? encode_fetch_range_end(draft, {object->object.location, *object->gap}, prior, out, order)
                      : encode_fetch_object(draft, object->object, prior, out, order);
      ASSERT_TRUE(encoded.ok()) << moqt::wire::describe(encoded.error());
      prior = object->prior;
      rest = rest.subspan(object->size);
    }
    if (is_canonical(vector)) {
      EXPECT_EQ(to_hex(out), to_hex(image));
      ++canonical;
    } else {
      StreamReading once = read_whole_fetch(draft, image, order), again = read_whole_fetch(draft, out, order);
      for (Json* objects : {&once.objects, &again.objects}) {
        for (Json& object : *objects) object.erase("serialization_flags");
      }
      EXPECT_EQ(once.objects, again.objects);
    }
  }
  EXPECT_GT(canonical, 8U);
}

}  // namespace
}  // namespace msquic_py::tests

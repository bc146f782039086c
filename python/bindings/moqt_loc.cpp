// LOC's extension headers of an object, made and read.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "loc/header_extensions.h"
#include "moqt/wire/extensions.h"
#include "moqt_loc_values.h"
#include "moqt_object_extensions.h"
#include "moqt_topics.h"

namespace msquic_py::python {
namespace {

using loc::AudioLevel;
using loc::VideoFrameMarking;

struct ParsedLocExtensions {
  std::optional<CaptureTimestamp> capture_timestamp;
  std::optional<VideoConfig> video_config;
  std::optional<VideoFrameMarking> video_frame_marking;
  std::optional<AudioLevel> audio_level;
  std::optional<CaptureTimestamp> presentation_start;
  std::optional<loc::MediaTime> media_time;
  std::optional<AudioConfig> audio_config;
  bool operator==(const ParsedLocExtensions&) const = default;
};

/// The data of an argument that is None or a configuration.
template <class Config>
std::optional<base::ByteVector> data_of(nb::handle config, const char* argument) {
  if (config.is_none()) return std::nullopt;
  if (!nb::isinstance<Config>(config)) {
    const std::string message =
        std::string(argument) + " is of the wrong type: " + nb::type_name(config.type()).c_str();
    throw nb::type_error(message.c_str());
  }
  return nb::cast<const Config&>(config).data;
}

ObjectExtensions create(std::optional<CaptureTimestamp> capture_timestamp, nb::handle video_config,
                        std::optional<VideoFrameMarking> video_frame_marking, std::optional<AudioLevel> audio_level,
                        std::optional<CaptureTimestamp> presentation_start, std::optional<loc::MediaTime> media_time,
                        nb::handle audio_config, loc::Version version) {
  loc::HeaderExtensions headers;
  if (capture_timestamp) headers.capture_timestamp = capture_timestamp->microseconds;
  headers.video_config = data_of<VideoConfig>(video_config, "video_config");
  headers.video_frame_marking = video_frame_marking;
  headers.audio_level = audio_level;
  if (presentation_start) headers.presentation_start = presentation_start->microseconds;
  headers.media_time = media_time;
  headers.audio_config = data_of<AudioConfig>(audio_config, "audio_config");
  moqt::KeyValuePairs pairs;
  if (const auto result = loc::append_extensions(headers, version, pairs); !result) {
    raise_without_encoding(result.error());
  }
  base::ByteVector raw;
  if (const auto result = moqt::wire::encode_extensions(moqt::Draft::k15, pairs, raw); !result)
    raise_encode_error(result.error());
  return checked_extensions(raw);
}

ParsedLocExtensions parse(nb::handle source) {
  const ObjectExtensions extensions = make_extensions(source);
  const auto pairs =
      value_or_raise(moqt::wire::decode_extensions(moqt::Draft::k15, extensions.bytes()), "extension headers");
  auto headers = loc::parse_extensions(pairs);
  if (!headers) raise_malformed_extension(field_of(headers.error()), std::string(describe(headers.error())).c_str());
  ParsedLocExtensions parsed;
  if (headers->capture_timestamp) parsed.capture_timestamp = CaptureTimestamp{*headers->capture_timestamp};
  if (headers->video_config) parsed.video_config = VideoConfig{std::move(*headers->video_config)};
  parsed.video_frame_marking = headers->video_frame_marking;
  parsed.audio_level = headers->audio_level;
  if (headers->presentation_start) parsed.presentation_start = CaptureTimestamp{*headers->presentation_start};
  parsed.media_time = headers->media_time;
  if (headers->audio_config) parsed.audio_config = AudioConfig{std::move(*headers->audio_config)};
  return parsed;
}

void bind_versions(nb::module_& m) {
  nb::enum_<loc::Version>(m, "LocVersion", nb::is_arithmetic(),
                          "A version of draft-ietf-moq-loc. Each gave its extensions other numbers.")
      .value("LOC_01", loc::Version::k01)
      .value("LOC_04", loc::Version::k04);
  m.def(
      "loc_version_for",
      [](unsigned draft) {
        const auto known = moqt::draft_from_alpn("moqt-" + std::to_string(draft));
        if (!known) raise_encode_error("draft", "is none that is spoken here");
        return loc::version_for(*known);
      },
      nb::arg("draft"),
      "The version whose numbers mean nothing else in that draft of MOQT, as Session.draft has it: LOC-01 in "
      "draft-15,\n"
      "LOC-04 later. Raises EncodeError for a draft that is not spoken here.");
  nb::enum_<loc::PropertyType>(m, "LocPropertyType", nb::is_arithmetic(),
                               "Object properties of LOC-04 (section 2.3), as IANA is to register them.")
      .value("TIMESCALE", loc::PropertyType::kTimescale)
      .value("VIDEO_FRAME_MARKING", loc::PropertyType::kVideoFrameMarking)
      .value("AUDIO_LEVEL", loc::PropertyType::kAudioLevel)
      .value("VIDEO_CONFIG", loc::PropertyType::kVideoConfig)
      .value("AUDIO_CONFIG", loc::PropertyType::kAudioConfig)
      .value("TIMESTAMP", loc::PropertyType::kTimestamp);
}

void bind_parsed(nb::module_& m) {
  nb::class_<ParsedLocExtensions> cls(m, "ParsedLocExtensions",
                                      "What parse_loc_extensions() found; None for what was not there. Immutable.");
  cls.def(
         "__init__",
         [](ParsedLocExtensions* self, std::optional<CaptureTimestamp> capture_timestamp,
            std::optional<VideoConfig> video_config, std::optional<VideoFrameMarking> video_frame_marking,
            std::optional<AudioLevel> audio_level, std::optional<CaptureTimestamp> presentation_start,
            std::optional<loc::MediaTime> media_time, std::optional<AudioConfig> audio_config) {
           new (self) ParsedLocExtensions{
               capture_timestamp, std::move(video_config), video_frame_marking, audio_level, presentation_start,
               media_time,        std::move(audio_config)};
         },
         nb::arg("capture_timestamp").none() = nb::none(), nb::arg("video_config").none() = nb::none(),
         nb::arg("video_frame_marking").none() = nb::none(), nb::arg("audio_level").none() = nb::none(),
         nb::arg("presentation_start").none() = nb::none(), nb::arg("media_time").none() = nb::none(),
         nb::arg("audio_config").none() = nb::none())
      .def_ro("capture_timestamp", &ParsedLocExtensions::capture_timestamp, "On the wall clock.")
      .def_ro("video_config", &ParsedLocExtensions::video_config)
      .def_ro("video_frame_marking", &ParsedLocExtensions::video_frame_marking)
      .def_ro("audio_level", &ParsedLocExtensions::audio_level)
      .def_ro("presentation_start", &ParsedLocExtensions::presentation_start)
      .def_ro("media_time", &ParsedLocExtensions::media_time, "In place of capture_timestamp, on another clock.")
      .def_ro("audio_config", &ParsedLocExtensions::audio_config)
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"capture_timestamp", self.attr("capture_timestamp")},
                                     {"video_config", self.attr("video_config")},
                                     {"video_frame_marking", self.attr("video_frame_marking")},
                                     {"audio_level", self.attr("audio_level")},
                                     {"presentation_start", self.attr("presentation_start")},
                                     {"media_time", self.attr("media_time")},
                                     {"audio_config", self.attr("audio_config")}});
      });
  bind_value_semantics<ParsedLocExtensions>(cls, [](const ParsedLocExtensions& value) {
    return nb::make_tuple(value.capture_timestamp, value.video_config, value.video_frame_marking, value.audio_level,
                          value.presentation_start, value.media_time, value.audio_config);
  });
}

}  // namespace

void bind_loc(nb::module_& m) {
  nb::enum_<loc::ExtensionType>(
      m, "LocExtensionType", nb::is_arithmetic(),
      "Object extension headers of LOC-01 (section 2.3). The numbers are placeholders of that draft; the last one is\n"
      "this project's own.")
      .value("CAPTURE_TIMESTAMP", loc::ExtensionType::kCaptureTimestamp)
      .value("VIDEO_FRAME_MARKING", loc::ExtensionType::kVideoFrameMarking)
      .value("AUDIO_LEVEL", loc::ExtensionType::kAudioLevel)
      .value("VIDEO_CONFIG", loc::ExtensionType::kVideoConfig)
      .value("PRESENTATION_START", loc::ExtensionType::kPresentationStart);
  bind_versions(m);
  bind_parsed(m);
  m.def("create_loc_extensions", &create, nb::arg("capture_timestamp").none() = nb::none(),
        nb::arg("video_config").none() = nb::none(), nb::arg("video_frame_marking").none() = nb::none(),
        nb::arg("audio_level").none() = nb::none(), nb::arg("presentation_start").none() = nb::none(),
        nb::arg("media_time").none() = nb::none(), nb::arg("audio_config").none() = nb::none(), nb::kw_only(),
        nb::arg("version") = loc::Version::k01,
        nb::sig(
            "def create_loc_extensions(capture_timestamp: CaptureTimestamp | None = None, video_config: VideoConfig | "
            "None = None, video_frame_marking: VideoFrameMarking | None = None, audio_level: AudioLevel | None = "
            "None, presentation_start: CaptureTimestamp | None = None, media_time: MediaTime | None = None, "
            "audio_config: AudioConfig | None = None, *, version: LocVersion = ...) -> ObjectExtensions"),
        "LOC's extension headers for one object. Raises EncodeError for values that have no encoding.\n\n"
        "`version` says with which numbers; loc_version_for() tells what suits a session. `media_time`, in place of\n"
        "`capture_timestamp`, and `audio_config` need LOC-04. `presentation_start` is this project's own header,\n"
        "0x4D535052: when the presentation begins. An object that was captured before it is there for decoders alone,\n"
        "neither seen nor heard.");
  const std::string signature =
      std::string("def parse_loc_extensions(extensions: ") + kExtensionsSource + ") -> ParsedLocExtensions";
  m.def("parse_loc_extensions", &parse, nb::arg("extensions").none(), nb::sig(signature.c_str()),
        "Picks LOC's headers out of an object's, whichever version has written them; others are passed over.\n\n"
        "6 is the audio level of LOC-01 and was the timestamp of LOC-02: it is taken for the latter where an object\n"
        "has no other timestamp and the value is at least 2**32 or has a timescale beside it.\n\n"
        "Raises MalformedExtension when one of them repeats or has a value without a meaning: the application's\n"
        "concern, not a reason to close the session.");
}

}  // namespace msquic_py::python

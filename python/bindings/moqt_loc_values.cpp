// The values of LOC's extension headers, each a class of its own.
#include "moqt_loc_values.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "base/varint.h"
#include "moqt_arguments.h"
#include "moqt_errors.h"
#include "moqt_topics.h"

namespace msquic_py::python {

using loc::AudioLevel;
using loc::VideoFrameMarking;

const char* field_of(loc::LocError error) noexcept {
  using enum loc::LocError;
  switch (error) {
    case kCaptureTimestampTooLarge: return "capture_timestamp";
    case kVideoFrameMarking: return "video_frame_marking";
    case kAudioLevel: return "audio_level";
    case kVideoConfigTooLong: return "video_config";
    case kPresentationStartTooLarge: return "presentation_start";
    case kMediaTime: return "media_time";
    case kAudioConfigTooLong:
    case kAudioConfigInLoc01: return "audio_config";
    case kKeyValueKind:
    case kRepeated: return "extensions";
  }
  return "extensions";
}

[[noreturn]] void raise_without_encoding(loc::LocError error) {
  raise_encode_error(field_of(error), std::string(describe(error)).c_str());
}

namespace {

CaptureTimestamp make_timestamp(std::optional<IntegerArgument> milliseconds,
                                std::optional<IntegerArgument> microseconds) {
  if (milliseconds.has_value() == microseconds.has_value()) {
    throw nb::type_error("CaptureTimestamp takes either milliseconds or microseconds");
  }
  if (microseconds) return {microseconds->checked("microseconds")};
  return {milliseconds->checked("milliseconds", base::kVarintMax / 1000) * 1000};
}

std::optional<std::uint8_t> octet(std::optional<IntegerArgument> value, const char* field) {
  if (!value) return std::nullopt;
  return static_cast<std::uint8_t>(value->checked(field, 255));
}

nb::bytes number_bytes(std::uint64_t number) {
  std::uint8_t bytes[base::kVarintMaxSize];
  return to_python({bytes, base::encode_varint(number, bytes)});
}

std::uint64_t number_at(const BufferArgument& data, std::size_t offset) {
  const auto decoded = base::decode_varint(from_offset(data, offset));
  if (!decoded) raise_need_more_data("variable-length integer");
  return decoded->value;
}

/// encode() and decode() of the value of an extension header, without its type. `from(data, offset)` makes the object.
template <class Value, class Class, class Encode, class From>
void bind_header_value(Class& cls, const char* name, const char* doc, Encode encode, From from) {
  const std::string signature =
      std::string("def decode(data: bytes | bytearray | memoryview, offset: int = 0) -> ") + name;
  cls.def("encode", encode, "The value of the extension header, as ObjectExtensions.headers holds it.");
  cls.def_static("decode", from, nb::arg("data"), nb::arg("offset") = 0, nb::sig(signature.c_str()), doc);
}

void bind_capture_timestamp(nb::module_& m) {
  nb::class_<CaptureTimestamp> cls(
      m, "CaptureTimestamp",
      "When a frame was captured: time since the Unix epoch (section 2.3.1). Immutable.\n\n"
      "Give either unit; the wire carries microseconds.");
  cls.def(
         "__init__",
         [](CaptureTimestamp* self, std::optional<IntegerArgument> milliseconds,
            std::optional<IntegerArgument> microseconds) {
           new (self) CaptureTimestamp(make_timestamp(milliseconds, microseconds));
         },
         nb::arg("milliseconds").none() = nb::none(), nb::arg("microseconds").none() = nb::none())
      .def_ro("microseconds", &CaptureTimestamp::microseconds)
      .def_prop_ro(
          "milliseconds", [](const CaptureTimestamp& self) { return self.microseconds / 1000; }, "Rounded down.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"microseconds", self.attr("microseconds")}});
      });
  bind_header_value<CaptureTimestamp>(
      cls, "CaptureTimestamp", "The value at `offset`. Raises NeedMoreData.",
      [](const CaptureTimestamp& self) { return number_bytes(self.microseconds); },
      [](const BufferArgument& data, std::size_t offset) { return CaptureTimestamp{number_at(data, offset)}; });
  bind_value_semantics<CaptureTimestamp>(
      cls, [](const CaptureTimestamp& value) { return nb::make_tuple(nb::none(), value.microseconds); });
}

void bind_video_config(nb::module_& m) {
  nb::class_<VideoConfig> cls(
      m, "VideoConfig",
      "Codec extradata, the `description` of a WebCodecs VideoDecoderConfig (section 2.3.2).\n\n"
      "Sent with key frames when parameter sets are not in the payload. Immutable.");
  cls.def(
         "__init__",
         [](VideoConfig* self, const BufferArgument& codec_config) {
           new (self) VideoConfig{to_vector(codec_config.bytes())};
         },
         nb::arg("codec_config") = nb::bytes("", 0))
      .def_prop_ro("codec_config", [](const VideoConfig& self) { return to_python(self.data); })
      .def_prop_ro(
          "data", [](const VideoConfig& self) { return to_python(self.data); }, "The same as codec_config.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"codec_config", self.attr("codec_config")}});
      });
  bind_header_value<VideoConfig>(
      cls, "VideoConfig", "The value that is all of `data` from `offset` on.",
      [](const VideoConfig& self) { return to_python(self.data); },
      [](const BufferArgument& data, std::size_t offset) { return VideoConfig{to_vector(from_offset(data, offset))}; });
  bind_value_semantics<VideoConfig>(cls,
                                    [](const VideoConfig& value) { return nb::make_tuple(to_python(value.data)); });
}

VideoFrameMarking make_marking(bool is_keyframe, bool is_discardable, bool base_layer_sync, IntegerArgument temporal_id,
                               std::optional<IntegerArgument> layer_id, std::optional<IntegerArgument> tl0picidx,
                               bool start_of_frame, bool end_of_frame, std::optional<bool> independent,
                               std::optional<bool> discardable, std::optional<IntegerArgument> spatial_id) {
  VideoFrameMarking marking;
  marking.start_of_frame = start_of_frame;
  marking.end_of_frame = end_of_frame;
  marking.independent = independent.value_or(is_keyframe);
  marking.discardable = discardable.value_or(is_discardable);
  marking.base_layer_sync = base_layer_sync;
  marking.temporal_id = static_cast<std::uint8_t>(temporal_id.checked("temporal_id", 7));
  marking.layer_id = octet(layer_id, "layer_id");
  if (const auto spatial = octet(spatial_id, "spatial_id"); spatial.value_or(0) != marking.layer_id.value_or(0)) {
    if (spatial && marking.layer_id) raise_encode_error("spatial_id", "contradicts layer_id: give one of them");
    if (spatial) marking.layer_id = spatial;
  }
  marking.tl0_pic_idx = octet(tl0picidx, "tl0picidx");
  return marking;
}

void bind_video_frame_marking(nb::module_& m) {
  nb::class_<VideoFrameMarking> cls(
      m, "VideoFrameMarking",
      "Frame marking of RFC 9626 (section 2.3.2). Immutable.\n\n"
      "An object that is a whole frame has both start_of_frame and end_of_frame. `independent` and `discardable` are\n"
      "the RFC's words for `is_keyframe` and `is_discardable`, and win when both are given. `tl0picidx` needs a\n"
      "`layer_id` beside it. `spatial_id` is that layer under another name, and 0 is none.");
  cls.def(
         "__init__",
         [](VideoFrameMarking* self, bool is_keyframe, bool is_discardable, bool base_layer_sync,
            IntegerArgument temporal_id, std::optional<IntegerArgument> layer_id,
            std::optional<IntegerArgument> tl0picidx, bool start_of_frame, bool end_of_frame,
            std::optional<bool> independent, std::optional<bool> discardable,
            std::optional<IntegerArgument> spatial_id) {
           new (self) VideoFrameMarking(make_marking(is_keyframe, is_discardable, base_layer_sync, temporal_id,
                                                     layer_id, tl0picidx, start_of_frame, end_of_frame, independent,
                                                     discardable, spatial_id));
         },
         nb::arg("is_keyframe") = false, nb::arg("is_discardable") = false, nb::arg("base_layer_sync") = false,
         nb::arg("temporal_id") = 0, nb::arg("layer_id").none() = nb::none(), nb::arg("tl0picidx").none() = nb::none(),
         nb::arg("start_of_frame") = true, nb::arg("end_of_frame") = true, nb::kw_only(),
         nb::arg("independent").none() = nb::none(), nb::arg("discardable").none() = nb::none(),
         nb::arg("spatial_id").none() = nb::none())
      .def_ro("is_keyframe", &VideoFrameMarking::independent, "I: decodable without any earlier frame.")
      .def_ro("independent", &VideoFrameMarking::independent, "I: decodable without any earlier frame.")
      .def_ro("is_discardable", &VideoFrameMarking::discardable, "D: no other frame needs it.")
      .def_ro("discardable", &VideoFrameMarking::discardable, "D: no other frame needs it.")
      .def_ro("base_layer_sync", &VideoFrameMarking::base_layer_sync, "B: needs the base temporal layer only.")
      .def_ro("temporal_id", &VideoFrameMarking::temporal_id, "TID, 0 to 7; 0 is the base layer.")
      .def_ro("layer_id", &VideoFrameMarking::layer_id, "LID, 0 to 255.")
      .def_prop_ro(
          "spatial_id", [](const VideoFrameMarking& self) { return self.layer_id.value_or(0); },
          "LID, 0 when there is none.")
      .def_ro("tl0picidx", &VideoFrameMarking::tl0_pic_idx, "TL0PICIDX, 0 to 255.")
      .def_ro("start_of_frame", &VideoFrameMarking::start_of_frame, "S.")
      .def_ro("end_of_frame", &VideoFrameMarking::end_of_frame, "E.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"is_keyframe", self.attr("is_keyframe")},
                                     {"is_discardable", self.attr("is_discardable")},
                                     {"base_layer_sync", self.attr("base_layer_sync")},
                                     {"temporal_id", self.attr("temporal_id")},
                                     {"layer_id", self.attr("layer_id")},
                                     {"tl0picidx", self.attr("tl0picidx")},
                                     {"start_of_frame", self.attr("start_of_frame")},
                                     {"end_of_frame", self.attr("end_of_frame")}});
      });
  bind_header_value<VideoFrameMarking>(
      cls, "VideoFrameMarking",
      "The value at `offset`. Raises NeedMoreData, and MalformedExtension for a number of more than three bytes.",
      [](const VideoFrameMarking& self) {
        const auto number = self.to_number();
        if (!number) raise_without_encoding(loc::LocError::kVideoFrameMarking);
        return number_bytes(*number);
      },
      [](const BufferArgument& data, std::size_t offset) {
        constexpr auto kError = loc::LocError::kVideoFrameMarking;
        const auto marking = VideoFrameMarking::from_number(number_at(data, offset));
        if (!marking) raise_malformed_extension(field_of(kError), std::string(describe(kError)).c_str());
        return *marking;
      });
  bind_value_semantics<VideoFrameMarking>(cls, [](const VideoFrameMarking& value) {
    return nb::make_tuple(value.independent, value.discardable, value.base_layer_sync, value.temporal_id,
                          value.layer_id, value.tl0_pic_idx, value.start_of_frame, value.end_of_frame);
  });
}

void bind_audio_level(nb::module_& m) {
  nb::class_<AudioLevel> cls(m, "AudioLevel", "Audio level of RFC 6464 (section 2.3.3). Immutable.");
  cls.def(
         "__init__",
         [](AudioLevel* self, IntegerArgument level, bool voice_activity) {
           new (self) AudioLevel{voice_activity, static_cast<std::uint8_t>(level.checked("level", 127))};
         },
         nb::arg("level"), nb::arg("voice_activity") = false)
      .def_ro("level", &AudioLevel::level, "-dBov: 0 is the loudest, 127 silence.")
      .def_ro("voice_activity", &AudioLevel::voice_activity, "Whether the sender thinks that it is voice.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"level", self.attr("level")}, {"voice_activity", self.attr("voice_activity")}});
      });
  bind_header_value<AudioLevel>(
      cls, "AudioLevel", "The value at `offset`, of which the low eight bits count. Raises NeedMoreData.",
      [](const AudioLevel& self) { return number_bytes(*self.to_number()); },
      [](const BufferArgument& data, std::size_t offset) { return AudioLevel::from_number(number_at(data, offset)); });
  bind_value_semantics<AudioLevel>(
      cls, [](const AudioLevel& value) { return nb::make_tuple(value.level, value.voice_activity); });
}

void bind_audio_config(nb::module_& m) {
  nb::class_<AudioConfig> cls(
      m, "AudioConfig",
      "Codec extradata, the `description` of a WebCodecs AudioDecoderConfig (LOC-04 section 2.3.3). Immutable.");
  cls.def(
         "__init__",
         [](AudioConfig* self, const BufferArgument& codec_config) {
           new (self) AudioConfig{to_vector(codec_config.bytes())};
         },
         nb::arg("codec_config") = nb::bytes("", 0))
      .def_prop_ro("codec_config", [](const AudioConfig& self) { return to_python(self.data); })
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"codec_config", self.attr("codec_config")}});
      });
  bind_header_value<AudioConfig>(
      cls, "AudioConfig", "All of `data` from `offset` on.",
      [](const AudioConfig& self) { return to_python(self.data); },
      [](const BufferArgument& data, std::size_t offset) { return AudioConfig{to_vector(from_offset(data, offset))}; });
  bind_value_semantics<AudioConfig>(cls,
                                    [](const AudioConfig& value) { return nb::make_tuple(to_python(value.data)); });
}

void bind_media_time(nb::module_& m) {
  nb::class_<loc::MediaTime> cls(
      m, "MediaTime",
      "A time on a clock of the publisher's own, which begins whenever it likes: Timestamp beside Timescale of\n"
      "LOC-04 (section 2.3.1). Immutable.\n\n"
      "`timestamp` counts units, of which `timescale` make a second: 90000, for example. Both are below 2^62, and\n"
      "`timescale` is at least 1. Raises EncodeError for others.");
  cls.def(
         "__init__",
         [](loc::MediaTime* self, IntegerArgument timestamp, IntegerArgument timescale) {
           const loc::MediaTime time{timestamp.checked("timestamp"), timescale.checked("timescale")};
           if (time.timescale == 0) raise_encode_error("timescale", "is 0: no number of units makes a second");
           new (self) loc::MediaTime(time);
         },
         nb::arg("timestamp"), nb::arg("timescale"))
      .def_ro("timestamp", &loc::MediaTime::timestamp)
      .def_ro("timescale", &loc::MediaTime::timescale, "Units per second.")
      .def_prop_ro(
          "microseconds", [](const loc::MediaTime& self) { return self.microseconds(); }, "The same, rounded down.")
      .def("__repr__", [](nb::handle self) {
        return representation(self, {{"timestamp", self.attr("timestamp")}, {"timescale", self.attr("timescale")}});
      });
  bind_value_semantics<loc::MediaTime>(
      cls, [](const loc::MediaTime& value) { return nb::make_tuple(value.timestamp, value.timescale); });
}

}  // namespace

void bind_loc_values(nb::module_& m) {
  bind_capture_timestamp(m);
  bind_video_config(m);
  bind_video_frame_marking(m);
  bind_audio_level(m);
  bind_audio_config(m);
  bind_media_time(m);
}

}  // namespace msquic_py::python

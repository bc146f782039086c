#include "moqt-sub/recording.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "media/length_framed.h"

namespace msquic_py::apps {

using Error = base::Failure<std::string>;

base::Result<std::unique_ptr<Recording>, std::string> Recording::open(const std::string& path, Format format,
                                                                      std::function<void()> on_change) {
  std::error_code ignored;
  if (path != "-" && std::filesystem::is_directory(path, ignored)) {
    return Error{"cannot write '" + path + "': it is a directory; name a file in it"};
  }
  std::unique_ptr<Recording> recording(new Recording(path, format, std::move(on_change)));
  if (auto opened = recording->open_part(); !opened) return Error{opened.error()};
  return recording;
}

Recording::Outcome Recording::open_part() {
  std::string name = path_;
  if (part_ > 1) {
    const std::filesystem::path whole(path_);
    const std::string stem = whole.stem().string() + "-" + std::to_string(part_) + whole.extension().string();
    name = (whole.parent_path() / stem).string();
    notes_.push_back("the encoder was configured anew: the recording goes on in '" + name + "'");
  }
  auto output = OutputFile::open(name, on_change_);
  if (!output) return Error{output.error()};
  output_.emplace(std::move(*output));
  movie_ = std::make_unique<MovieWriter>([this](base::Bytes bytes) { output_->write(bytes); });
  first_packet_.reset();
  return {};
}

Recording::Outcome Recording::next_part() {
  if (path_ == "-") {
    return Error{
        std::string("the encoder was configured anew, in a way that the stream on standard output can't "
                    "follow: record to a file")};
  }
  if (auto finished = movie_->finish(); !finished) return finished;
  earlier_outputs_.push_back(std::move(*output_));
  earlier_parts_ += movie_->length();
  ++part_;
  if (auto opened = open_part(); !opened) return opened;
  for (Source& source : sources_) {
    source.streams.clear();
    if (auto declared = declare(source); !declared) return declared;
  }
  return {};
}

Recording::SourceId Recording::add_single() {
  Source source;
  source.name = "the track";
  source.single = true;
  source.raw = format_ == Format::Raw || format_ == Format::Framed;
  sources_.push_back(std::move(source));
  return sources_.size() - 1;
}

base::Result<Recording::SourceId, std::string> Recording::add_track(const msf::Track& track,
                                                                    base::Bytes initialization) {
  sources_.emplace_back();
  if (auto prepared = prepare(sources_.back(), track, initialization); !prepared) {
    sources_.pop_back();
    return Error{prepared.error()};
  }
  if (movie_->begun()) {
    if (auto next = next_part(); !next) return Error{next.error()};
  } else if (auto declared = declare(sources_.back()); !declared) {
    return Error{declared.error()};
  }
  return sources_.size() - 1;
}

Recording::Outcome Recording::update_track(SourceId id, const msf::Track& track, base::Bytes initialization) {
  if (auto prepared = prepare(sources_[id], track, initialization); !prepared) return prepared;
  return sources_[id].undescribed ? Outcome{} : declare(sources_[id]);
}

Recording::Outcome Recording::prepare(Source& source, const msf::Track& track, base::Bytes initialization) {
  source.name = "'" + track.name + "'";
  if (track.packaging == msf::kPackagingLoc) {
    auto frames = FrameReader::create(track, initialization);
    if (!frames) return Error{frames.error()};
    source.frames.emplace(std::move(*frames));
    source.undescribed = true;
    return {};
  }
  source.frames.reset();
  source.undescribed = false;
  if (auto set = source.chunks.set_initialization(initialization); !set) return Error{source.name + ": " + set.error()};
  return {};
}

Recording::Outcome Recording::declare(Source& source) {
  std::vector<const MediaStream*> now;
  if (source.frames) {
    now.push_back(&source.frames->stream());
  } else {
    for (const MediaStream& stream : source.chunks.streams()) now.push_back(&stream);
  }
  if (source.streams.empty()) {
    if (movie_->begun()) return next_part();
    for (const MediaStream* stream : now) source.streams.push_back(movie_->add_stream(*stream));
    return {};
  }
  bool fits = now.size() == source.streams.size();
  for (std::size_t i = 0; fits && i < now.size(); ++i) fits = movie_->reconfigure(source.streams[i], *now[i]);
  return fits ? Outcome{} : next_part();
}

void Recording::end_source(SourceId id) {
  for (const std::size_t stream : sources_[id].streams) movie_->dismiss(stream);
}

base::Result<Recording::Verdict, std::string> Recording::write(SourceId id, const Object& object,
                                                               Clock::time_point now) {
  if (auto failed = output_->failure()) return Error{std::move(*failed)};
  Source& source = sources_[id];
  if (source.single && !source.raw && source.streams.empty() && format_ == Format::Auto &&
      leading_initialization(object.payload).empty()) {
    source.raw = object.starts_group;
    if (!source.raw) return Verdict::Useless;
  }
  if (source.single && !source.raw && source.chunks.streams().empty() && object.starts_group &&
      leading_initialization(object.payload).empty()) {
    return Error{
        std::string("the groups of the track do not begin with an MP4's initialization segment: --format raw or "
                    "framed writes objects of any kind")};
  }
  if (source.raw) {
    if (auto written = write_opaque(object); !written) return Error{written.error()};
    return Verdict::Taken;
  }
  auto verdict = source.frames ? write_frame(source, object) : write_chunk(source, object.payload);
  if (!verdict) return verdict;
  if (*verdict == Verdict::Taken && !first_packet_) first_packet_ = now;
  if (auto tended = tend(now); !tended) return Error{tended.error()};
  return verdict;
}

base::Result<Recording::Verdict, std::string> Recording::write_chunk(Source& source, base::Bytes payload) {
  const base::Bytes initialization = leading_initialization(payload);
  if (!initialization.empty()) {
    payload = payload.subspan(initialization.size());
    const base::ByteVector& known = source.chunks.initialization();
    if (!std::equal(known.begin(), known.end(), initialization.begin(), initialization.end())) {
      if (auto set = source.chunks.set_initialization(initialization); !set) {
        complaint_ = set.error();
        return Verdict::Damaged;
      }
      if (auto declared = declare(source); !declared) return Error{declared.error()};
    }
  } else if (source.chunks.streams().empty()) {
    return Verdict::Useless;
  }
  if (payload.empty()) return Verdict::Taken;
  Outcome written;
  auto read = source.chunks.read(payload, [&](Packet packet, std::size_t stream) {
    if (written) written = movie_->write(source.streams[stream], std::move(packet));
  });
  if (!written) return Error{written.error()};
  if (!read) {
    complaint_ = read.error();
    return Verdict::Damaged;
  }
  return Verdict::Taken;
}

base::Result<Recording::Verdict, std::string> Recording::write_frame(Source& source, const Object& object) {
  auto frame = source.frames->read(object.payload, object.extensions, object.starts_group);
  if (!frame) {
    complaint_ = frame.error();
    return Verdict::Damaged;
  }
  if (!frame->has_value()) return Verdict::Useless;
  if (std::exchange(source.undescribed, false) || (*frame)->configuration_changed) {
    if (auto declared = declare(source); !declared) return Error{declared.error()};
  }
  if (const auto start = (*frame)->presentation_start)
    movie_->set_presentation_start(std::chrono::microseconds(*start));
  if (auto written = movie_->write(source.streams[0], std::move((*frame)->packet)); !written) {
    return Error{written.error()};
  }
  return Verdict::Taken;
}

Recording::Outcome Recording::write_opaque(const Object& object) {
  if (format_ != Format::Framed) {
    output_->write(object.payload);
    return {};
  }
  scratch_.clear();
  append_length_framed(scratch_, object.payload, object.starts_group);
  output_->write(scratch_);
  return {};
}

Recording::Outcome Recording::tend(Clock::time_point now) {
  if (movie_->begun() || !first_packet_) return {};
  if (!movie_->complete() && movie_->held_bytes() < kMostHeld) {
    if (now < *first_packet_ + kPatience) return {};
    for (const Source& source : sources_) {
      for (const std::size_t stream : source.streams) {
        if (movie_->has_packets(stream)) continue;
        notes_.push_back(source.name + " has sent nothing for " + std::to_string(kPatience.count()) +
                         " s: it is not recorded");
        break;
      }
    }
  }
  return movie_->begin();
}

Recording::Outcome Recording::finish() {
  if (auto begun = movie_->begin(); !begun) return begun;
  return movie_->finish();
}

std::size_t Recording::queued() const {
  std::size_t bytes = output_->queued();
  for (const OutputFile& earlier : earlier_outputs_) bytes += earlier.queued();
  return bytes;
}

std::chrono::microseconds Recording::length() const { return earlier_parts_ + movie_->length(); }

}  // namespace msquic_py::apps

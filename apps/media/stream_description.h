#pragma once

#include <memory>
#include <string>

#include "media/libav.h"

namespace msquic_py::apps {

/// What a container says of a stream besides the codec's parameters: how pictures are turned, the shape of their
/// pixels, their brightness, the language of sound.
using StreamDescription = std::shared_ptr<const AVStream>;

/// What is said of `stream`, which need not live on.
StreamDescription description_of(const AVStream& stream);

/// Whether its pictures are to be turned or mirrored.
bool is_turned(const AVStream& stream);

/// Nothing but a language, ISO 639-2.
StreamDescription description_in(const std::string& language);

/// Says the same of another stream, whose codec's parameters are there already.
void describe(AVStream& stream, const AVStream& like);

}  // namespace msquic_py::apps

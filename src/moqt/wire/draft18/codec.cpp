#include "moqt/wire/draft18/codec.h"

#include "moqt/wire/codec_of.h"
#include "moqt/wire/draft18/traits.h"

namespace msquic_py::moqt::wire::draft18 {

constinit const Codec kCodec = codec_of<Traits>();

}  // namespace msquic_py::moqt::wire::draft18

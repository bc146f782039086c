#include "moqt/wire/draft16/codec.h"

#include "moqt/wire/codec_of.h"
#include "moqt/wire/draft16/traits.h"

namespace msquic_py::moqt::wire::draft16 {

constinit const Codec kCodec = codec_of<Traits>();

}  // namespace msquic_py::moqt::wire::draft16

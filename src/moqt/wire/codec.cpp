#include "moqt/wire/codec.h"

#include "moqt/wire/draft15/codec.h"
#include "moqt/wire/draft16/codec.h"
#include "moqt/wire/draft18/codec.h"
#include "moqt/wire/draft22/codec.h"

namespace msquic_py::moqt::wire {

const Codec& codec_for(Draft draft) noexcept {
  switch (draft) {
    case Draft::k15: return draft15::kCodec;
    case Draft::k16: return draft16::kCodec;
    case Draft::k18: return draft18::kCodec;
    case Draft::k22: return draft22::kCodec;
  }
  return draft15::kCodec;
}

}  // namespace msquic_py::moqt::wire

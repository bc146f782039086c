#include "moqt/wire/codec.h"

#include "moqt/wire/draft15/codec.h"

namespace msquic_py::moqt::wire {

const Codec& codec_for(Draft draft) noexcept {
  switch (draft) {
    case Draft::k15: break;
  }
  return draft15::kCodec;
}

}  // namespace msquic_py::moqt::wire

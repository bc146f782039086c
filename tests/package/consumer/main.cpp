#include <iostream>

#include "base/varint.h"
#include "quic/library.h"

int main() {
  const auto version = msquic_py::quic::Library::version();
  if (!version.ok() || msquic_py::base::varint_size(64) != 2) return 1;
  std::cout << "consumer: MsQuic " << *version << '\n';
}

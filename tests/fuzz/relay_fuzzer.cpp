// A relay with hostile clients: any bytes as what they do.

#include <cstdio>

#include "hostile/play.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto played = msquic_py::hostile::play({data, size});
  if (!played.problem.empty()) std::fprintf(stderr, "%s\n", played.problem.c_str());
  REQUIRE(played.problem.empty());
  return 0;
}

#pragma once

#include <cstdio>
#include <cstdlib>

/// An invariant of the code under test: reported, and the run ends so that libFuzzer keeps the input.
#define REQUIRE(condition)                                                                   \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)

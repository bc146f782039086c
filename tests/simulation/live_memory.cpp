#include "simulation/live_memory.h"

#include <cstdlib>
#include <new>

namespace {

std::int64_t live = 0;  // the simulation has one thread

void* counted(std::size_t size) {
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
    ++live;
    return memory;
  }
  throw std::bad_alloc();
}

void give_back(void* memory) noexcept {
  if (memory != nullptr) --live;
  std::free(memory);
}

}  // namespace

std::int64_t msquic_py::simulation::live_allocations() noexcept { return live; }

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }

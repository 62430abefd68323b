// The alternate signal stack of a worker's thread: the handler of a stack overflow cannot run on the stack that is full.
#pragma once
#include <cstddef>  // byte

namespace weft::inline v0::detail {

// Lives on the thread that it serves. A thread that has an alternate stack already keeps it.
class alternate_stack {
 public:
  alternate_stack() noexcept;
  ~alternate_stack();
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace weft::inline v0::detail

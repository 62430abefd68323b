// Where calls go that may wait for a disk. The server gives them to the blocking pool, so that a slow disk stalls one
// fiber and not its worker; tests run them in place.
#pragma once
#include <type_traits>  // remove_reference_t

namespace weft::tool {

class lane {
 public:
  virtual ~lane() = default;

  // Runs `work()` to its end before returning; may suspend the calling fiber. `work` must not throw.
  template <class F>
  void run(F&& work) {
    using callable = std::remove_reference_t<F>;
    do_run([](void* self) noexcept { (*static_cast<callable*>(self))(); }, &work);
  }

 protected:
  using call = void (*)(void*) noexcept;
  virtual void do_run(call f, void* argument) = 0;
};

class direct_lane final : public lane {
  void do_run(call f, void* argument) override { f(argument); }
};

}  // namespace weft::tool

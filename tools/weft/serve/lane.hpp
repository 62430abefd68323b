// Where calls go that may wait for a disk. The server gives them to the blocking pool, so that a slow disk stalls one
// fiber and not its worker; tests run them in place.
#pragma once
#include <cerrno>        // EAGAIN
#include <system_error>  // system_error
#include <type_traits>   // remove_reference_t

namespace weft::tool {

class lane {
 public:
  virtual ~lane() = default;

  // Runs `work()` to its end before returning; may suspend the calling fiber. `work` must not throw. Returns 0, or EAGAIN
  // when there was no thread to run it on: then it has not been called.
  template <class F>
  [[nodiscard]] int run(F&& work) {
    using callable = std::remove_reference_t<F>;
    try {
      do_run([](void* self) noexcept { (*static_cast<callable*>(self))(); }, &work);
    } catch (const std::system_error&) {
      return EAGAIN;
    }
    return 0;
  }

 protected:
  using call = void (*)(void*) noexcept;
  // \throws std::system_error: it could not be run.
  virtual void do_run(call f, void* argument) = 0;
};

class direct_lane final : public lane {
  void do_run(call f, void* argument) override { f(argument); }
};

}  // namespace weft::tool

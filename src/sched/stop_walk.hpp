// One stop on its way down the tree, from the fiber or thread that requested it.
//
// Three steps, so that nothing runs or waits under a lock: collect (set the bits, win the waits, pin the scopes), deliver
// the fibers that were won, run the callbacks. The walk uses a list of scopes instead of recursion: a chain of scopes may
// be deeper than the requester's stack. Each fiber, frame and scope is passed on by its first stop only.
#pragma once
#include <weft/fiber/stop_token.hpp>  // stop_block
#include <weft/sched/stop_tree.hpp>   // stop_frame, stop_scope

namespace weft::inline v0::detail {

// As a scope sees it: its own request or failure, or a stop of what is around it.
enum class stop_origin : bool { inside, outside };

class stop_walk {
 public:
  void add_fiber(fiber_record& r) noexcept;                  // \pre alive, or kept from ending by the caller
  void add_frame(stop_frame& f) noexcept;                    // fires it; \pre kept from being closed by the caller
  void add_scope(stop_scope& s, stop_origin from) noexcept;  // its children only; \pre as above
  void run() noexcept;                                       // once, after the adds; runs stop callbacks: may suspend
  // The same in two halves. The first never suspends and calls nobody's code; what it returns is for the second.
  [[nodiscard]] stop_block* run_all_but_callbacks() noexcept;
  static void run_callbacks(stop_block* states) noexcept;

 private:
  void reach(stop_frame& f, stop_origin from) noexcept;  // \pre its hub's lock is held
  void add_state(stop_block* s) noexcept;                // \pre as above, or the state is nobody else's
  void won(fiber_record& r) noexcept;
  fiber_record* won_ = nullptr;   // linked by next, free while a fiber waits
  stop_block* states_ = nullptr;  // retained
  stop_scope* scopes_ = nullptr;  // pinned
};

}  // namespace weft::inline v0::detail

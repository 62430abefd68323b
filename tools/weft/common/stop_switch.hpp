// What a stop does, for a thread that listens for signals before there is anything to stop and after it has gone.
#pragma once
#include <functional>  // function
#include <mutex>       // mutex
#include <utility>     // move

namespace weft::tool {

class stop_switch {
 public:
  // While it exists the switch does `stop`, once: when pulled, or here at once if it has been pulled before.
  class action {
   public:
    action(stop_switch& of, std::function<void()> stop) : of_(of) {
      const std::lock_guard lock{of_.mutex_};
      if (of_.pulled_) {
        stop();
      } else {
        of_.stop_ = std::move(stop);
      }
    }
    ~action() {  // waits for a stop() that runs
      const std::lock_guard lock{of_.mutex_};
      of_.stop_ = nullptr;
    }
    action(const action&) = delete;
    action& operator=(const action&) = delete;

   private:
    stop_switch& of_;
  };

  // Any thread. Later calls do nothing.
  void pull() {
    const std::lock_guard lock{mutex_};
    if (!pulled_ && stop_) {
      stop_();
    }
    pulled_ = true;
  }

 private:
  std::mutex mutex_;  // held while stop() runs: it must not suspend, nor pull
  std::function<void()> stop_;
  bool pulled_ = false;
};

}  // namespace weft::tool

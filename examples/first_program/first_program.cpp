// The program of the README: ordinary blocking code, a thousand times at once.
#include <chrono>
#include <cstdio>
#include <mutex>
#include <vector>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  weft::run([] {       // the lambda becomes the first fiber of a runtime
    weft::mutex lock;  // parks a fiber, never a thread
    long total = 0;

    std::vector<weft::fiber<int>> squares;
    for (int i = 0; i < 1000; ++i) {
      squares.push_back(weft::spawn([&, i] {  // a fiber: 128 bytes until it first runs
        weft::this_fiber::sleep_for(10ms);    // all of them sleep at the same time
        const std::unique_lock guard(lock);
        total += i * i;
        return i * i;
      }));
    }

    long joined = 0;
    for (auto& square : squares) joined += square.join();  // results come back, and so do exceptions
    std::printf("%ld %ld\n", total, joined);               // 332833500 332833500, after about 10 ms
  });
}

// A tree is walked by recursion, and read as a range: the walk is suspended, at whatever depth, between two elements.
// Needs no runtime: coroutines and generators run on the thread that resumes them.
#include <cstdio>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <utility>

#include <weft/fiber/coroutine.hpp>
#include <weft/fiber/generator.hpp>

struct node {
  int value;
  std::unique_ptr<node> left, right;
};

std::unique_ptr<node> balanced(int from, int to) {
  if (from >= to) return nullptr;
  const int middle = from + (to - from) / 2;
  return std::make_unique<node>(node{middle, balanced(from, middle), balanced(middle + 1, to)});
}

void walk(const node* at, weft::generator<int>::yielder& yield) {
  if (at == nullptr) return;
  walk(at->left.get(), yield);
  yield(at->value);
  walk(at->right.get(), yield);
}

int main() {
  const auto root = balanced(0, 1000);
  weft::generator<int> values{[&](auto& yield) { walk(root.get(), yield); }};
  for (const int value :
       std::move(values) | std::views::filter([](int v) { return v % 7 == 0; }) | std::views::take(5)) {
    std::printf("%d ", value);  // 0 7 14 21 28; the rest of the walk is unwound with the generator
  }
  std::printf("\n");

  weft::coroutine steps{[](weft::coroutine& self) {
    for (int i = 1; i <= 3; ++i) {
      std::printf("step %d\n", i);
      self.yield();
    }
    throw std::runtime_error("no step 4");
  }};
  try {
    while (steps.resume()) {
    }
  } catch (const std::runtime_error& e) {  // what leaves the body leaves resume()
    std::printf("%s\n", e.what());
  }
}

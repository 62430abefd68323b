// Generators: values from any depth, references to the very object, ranges, exceptions, early ends.
#include <weft/fiber/generator.hpp>

#include <algorithm>    // for_each
#include <map>          // a source of pairs
#include <memory>       // unique_ptr
#include <numeric>      // iota
#include <ranges>       // views
#include <stdexcept>    // runtime_error
#include <string>       // elements
#include <type_traits>  // is_same_v
#include <vector>       // collected elements

#include <gtest/gtest.h>

namespace {

using weft::generator;

static_assert(std::ranges::input_range<generator<int>>);
static_assert(!std::ranges::forward_range<generator<int>>);
static_assert(std::ranges::view<generator<int>>);
static_assert(std::is_same_v<std::ranges::range_reference_t<generator<int>>, int&&>);
static_assert(std::is_same_v<std::ranges::range_reference_t<generator<const std::string&>>, const std::string&>);
static_assert(std::is_same_v<std::ranges::range_value_t<generator<const std::string&>>, std::string>);
static_assert(!std::copyable<generator<int>> && std::movable<generator<int>>);

template <class Range>
auto collect(Range&& range) {
  std::vector<std::ranges::range_value_t<Range>> all;
  for (auto&& element : range) {
    all.push_back(std::forward<decltype(element)>(element));
  }
  return all;
}

TEST(Generator, YieldsInOrderAndEnds) {
  generator<int> squares{[](auto& yield) {
    for (int i = 1; i <= 5; ++i) yield(i * i);
  }};
  EXPECT_EQ(collect(squares), (std::vector{1, 4, 9, 16, 25}));
}

TEST(Generator, AnEmptyBodyIsAnEmptyRange) {
  generator<int> none{[](auto& /*yield*/) {}};
  EXPECT_TRUE(none.begin() == none.end());
}

struct tree {
  int value;
  std::unique_ptr<tree> left, right;
};
std::unique_ptr<tree> balanced(int from, int to) {
  if (from >= to) return nullptr;
  const int middle = from + (to - from) / 2;
  return std::make_unique<tree>(tree{middle, balanced(from, middle), balanced(middle + 1, to)});
}
void walk(const tree* t, generator<int>::yielder& yield) {
  if (t == nullptr) return;
  walk(t->left.get(), yield);
  yield(t->value);
  walk(t->right.get(), yield);
}

TEST(Generator, YieldsFromTheDepthOfARecursion) {
  const auto root = balanced(0, 1000);
  generator<int> values{[&](auto& yield) { walk(root.get(), yield); }};
  std::vector<int> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(collect(values), expected);
}

TEST(Generator, YieldsFromACallbackOfSomebodyElsesLoop) {
  const std::vector<int> source{3, 1, 2};
  generator<int> g{[&](auto& yield) { std::ranges::for_each(source, [&](int v) { yield(v); }); }};
  EXPECT_EQ(collect(g), source);
}

TEST(Generator, AReferenceIsToTheVeryObject) {
  std::vector<int> numbers{1, 2, 3};
  generator<int&> g{[&](auto& yield) {
    for (int& n : numbers) yield(n);
  }};
  for (int& n : g) n *= 10;
  EXPECT_EQ(numbers, (std::vector{10, 20, 30}));
}

TEST(Generator, ElementsMayBeMovedOutAndLvaluesAreCopiedFirst) {
  const std::string kept = "kept in the body, long enough to be on the heap";
  std::string own = kept;
  generator<std::string> g{[&](auto& yield) {
    yield(own);                // lvalue: the reader gets a copy
    yield(std::string(kept));  // rvalue: the reader may take it
    yield("a literal");
  }};
  std::vector<std::string> got;
  for (std::string&& s : g) got.push_back(std::move(s));
  EXPECT_EQ(got, (std::vector<std::string>{kept, kept, "a literal"}));
  EXPECT_EQ(own, kept);
}

TEST(Generator, MoveOnlyElements) {
  generator<std::unique_ptr<int>> g{[](auto& yield) {
    for (int i = 0; i < 3; ++i) yield(std::make_unique<int>(i));
  }};
  int sum = 0;
  for (auto&& p : g) {
    const std::unique_ptr<int> mine = std::move(p);
    sum += *mine;
  }
  EXPECT_EQ(sum, 3);
}

TEST(Generator, ATemporaryLivesUntilTheNextElementIsAskedFor) {
  generator<const std::string&> g{[](auto& yield) {
    for (int i = 0; i < 3; ++i) yield("number " + std::to_string(i));
  }};
  EXPECT_EQ(collect(g), (std::vector<std::string>{"number 0", "number 1", "number 2"}));
}

TEST(Generator, ComposesWithViewsAndOtherGenerators) {
  generator<long> naturals{[](auto& yield) {
    for (long i = 0;; ++i) yield.yield(i);
  }};
  generator<long> even_squares{[&](auto yield) {
    for (const long n : naturals) {
      if (n % 2 == 0) yield(n * n);
    }
  }};
  EXPECT_EQ(collect(std::move(even_squares) | std::views::take(4)), (std::vector<long>{0, 4, 16, 36}));
}

TEST(Generator, ExceptionsReachTheReader) {
  generator<int> g{[](auto& yield) {
    yield(1);
    throw std::runtime_error("after one");
  }};
  std::vector<int> got;
  const auto read = [&] {
    for (const int v : g) got.push_back(v);
  };
  EXPECT_THROW(read(), std::runtime_error);
  EXPECT_EQ(got, std::vector{1});
  generator<int> at_once{[](auto& /*yield*/) { throw std::runtime_error("at begin"); }};
  EXPECT_THROW(at_once.begin(), std::runtime_error);
}

TEST(Generator, LeftEarlyItIsUnwound) {
  int destroyed = 0;
  struct counted {
    int& n;
    ~counted() { ++n; }
  };
  {
    generator<int> g{[&](auto& yield) {
      const counted c{destroyed};
      for (int i = 0;; ++i) yield(i);
    }};
    for (const int v : g) {
      if (v == 10) break;
    }
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(Generator, YieldsInsideACatchBlock) {
  generator<int> g{[](auto& yield) {
    for (int i = 0; i < 3; ++i) {
      try {
        throw i;
      } catch (const int& caught) {
        yield(caught);
        EXPECT_EQ(caught, i);
      }
    }
  }};
  int expected = 0;
  for (const int v : g) {
    EXPECT_EQ(v, expected++);
    EXPECT_EQ(std::current_exception(), nullptr);
  }
  EXPECT_EQ(expected, 3);
}

TEST(GeneratorDeathTest, ReadAfterItWasMovedAway) {
  generator<int> g{[](auto& yield) { yield(1); }};
  const generator<int> other{std::move(g)};
  EXPECT_DEATH(g.begin(), "coroutine: none here");
}

}  // namespace

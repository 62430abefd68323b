// The list of waiters: order, and removal from every place.
#include <vector>  // expected orders

#include <gtest/gtest.h>

#include "sync/wait_queue.hpp"

namespace {

using namespace weft::detail;

// One parker arms one waiter at a time, which is enough: the list does not look at parkers.
struct node : waiter {
  node() : waiter(point::no, "a test") { abandon(); }
};

std::vector<const waiter*> contents(waiter_list list) {
  std::vector<const waiter*> found;
  while (waiter* w = list.pop_front()) found.push_back(w);
  return found;
}

TEST(WaitQueue, KeepsTheOrderOfArrival) {
  node a, b, c;
  waiter_list list;
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  list.push_back(b);
  list.push_front(c);
  EXPECT_EQ(list.front(), &c);
  EXPECT_TRUE(a.linked && b.linked && c.linked);
  EXPECT_EQ(contents(list), (std::vector<const waiter*>{&c, &a, &b}));
  EXPECT_FALSE(a.linked || b.linked || c.linked);
}

TEST(WaitQueue, RemovesFromFrontMiddleAndEnd) {
  for (const std::size_t gone : {0U, 1U, 2U}) {
    node nodes[3];
    waiter_list list;
    std::vector<const waiter*> expected;
    for (auto& n : nodes) list.push_back(n);
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != gone) expected.push_back(&nodes[i]);
    }
    list.remove(nodes[gone]);
    EXPECT_FALSE(nodes[gone].linked);
    EXPECT_EQ(contents(list), expected);
  }
}

TEST(WaitQueue, TheLastOneLeavesAnEmptyList) {
  node a;
  waiter_list list;
  list.push_back(a);
  list.remove(a);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.bits(), 0U);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(WaitQueue, SurvivesTheWayThroughAWordWithBits) {
  node a, b;
  waiter_list list;
  list.push_back(a);
  list.push_back(b);
  EXPECT_EQ(contents(waiter_list(list.bits() | 7)), (std::vector<const waiter*>{&a, &b}));
}

TEST(WaitQueue, AWaiterThatIsOverIsUnlinkedButNotClaimed) {
  node over;
  waiter_list list;
  list.push_back(over);
  claimed_waiters woken;
  EXPECT_FALSE(woken.claim_one(list));
  EXPECT_FALSE(over.linked);
  EXPECT_TRUE(list.empty());
  woken.deliver_all();
}

}  // namespace

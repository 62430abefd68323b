// How many connections a limit on open files allows.
#include "common/capacity.hpp"

#include <gtest/gtest.h>  // TEST

namespace weft::tool {
namespace {

TEST(Capacity, AQuarterOfWhatIsLeftIsForFiles) {
  const auto own = own_descriptors(2);
  EXPECT_EQ(connections_within(own + 400, 2), 300U);
  EXPECT_EQ(connections_within(own + 401, 2), 301U);
  for (const std::uint64_t limit : {256U, 1024U, 20'000U, 1'048'576U}) {
    const auto connections = connections_within(limit, 4);
    EXPECT_LE(connections + connections / 3 + own_descriptors(4), limit);
    EXPECT_GT(connections, limit / 2 - own_descriptors(4));
  }
}

TEST(Capacity, OneConnectionIsAlwaysAllowed) {
  EXPECT_EQ(connections_within(0, 1), 1U);
  EXPECT_EQ(connections_within(own_descriptors(1024), 1024), 1U);
}

TEST(Capacity, StreamsGetAllThatIsLeftOrWhatWasAskedFor) {
  const auto own = own_descriptors(2);
  EXPECT_EQ(streams_within(0, 1, own + 400, 2), 400U);
  EXPECT_EQ(streams_within(0, 2, own + 401, 2), 200U);
  EXPECT_EQ(streams_within(0, 2, 0, 2), 1U);
  EXPECT_EQ(streams_within(200, 2, own + 400, 2), 200U);
  EXPECT_THROW(streams_within(201, 2, own + 400, 2), failure);
}

}  // namespace
}  // namespace weft::tool

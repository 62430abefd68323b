// File operations whose fibers are stopped at any moment, by a ring and by the pool: what had begun is done whole, and no buffer
// is looked at or written to once its operation has returned.
#include <algorithm>  // all_of, fill
#include <chrono>     // microseconds
#include <vector>     // vector

#include <gtest/gtest.h>
#include <weft/fs/file.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/task/scope.hpp>

#include "fs/temporary_folder.hpp"
#include "support/scale.hpp"
#include "support/seeded_random.hpp"

namespace {

using weft::fs::file;
using weft::testing::seeded_random;
using weft_test::temporary_folder;

constexpr std::size_t block = 8192;
constexpr std::size_t wall = 64;
constexpr std::byte untouched{0x5a}, spoiled{0xff};

std::byte content(std::uint64_t version, std::size_t at) {
  return static_cast<std::byte>((version * 131 + at * 7 + at / 251) % 0x50);  // neither of the two above
}

class FileStorm : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, FileStorm, ::testing::Values(1U, 2U));

// One block of the file that one fiber writes, again and again; each version whole or not at all.
void rewrite_block(file& f, std::uint64_t at, seeded_random& drawn, std::size_t laps) {
  std::uint64_t written = 0;
  for (std::uint64_t version = 1; version <= laps && !::testing::Test::HasFailure(); ++version) {
    auto writing = weft::spawn({.name = "writing", .spread = true}, [&f, at, version] {
      std::vector<std::byte> from(block);
      for (std::size_t i = 0; i < block; ++i) from[i] = content(version, i);
      bool done = false;
      try {
        done = f.write_at(from, at) == block;
        EXPECT_TRUE(done);
      } catch (const weft::cancelled&) {  // before it began
      }
      std::fill(from.begin(), from.end(), spoiled);
      return done;
    });
    weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(100)));
    writing.request_stop();
    if (writing.join()) written = version;
    auto reading = weft::spawn({.name = "reading", .spread = true}, [&f, at, written] {
      std::vector<std::byte> storage(block + 2 * wall, untouched);
      std::size_t n = 0;
      try {
        n = f.read_at(std::span(storage).subspan(wall, block), at);
      } catch (const weft::cancelled&) {
      }
      const std::vector<std::byte> as_left = storage;
      weft::this_fiber::yield();
      weft::this_fiber::yield();
      EXPECT_TRUE(storage == as_left) << "written to after the read had returned";
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < storage.size(); ++i) {
        const bool inside = i >= wall && i < wall + n;
        wrong += storage[i] == (inside ? content(written, i - wall) : untouched) ? 0U : 1U;
      }
      EXPECT_EQ(wrong, 0U) << "version " << written << " at " << at;
      EXPECT_TRUE(n == 0 || n == block);
    });
    weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(100)));
    reading.request_stop();
    reading.join();
  }
}

TEST_P(FileStorm, OnReadsAndWrites) {
  const temporary_folder folder;
  const std::size_t laps = weft::testing::stress_count(100);
  weft::run(weft_test::workers(GetParam()), [&] {
    const weft_test::no_descriptor_leaks none;
    file f = file::open(folder / "a", {.access = weft::fs::access::read_write, .create = true});
    std::vector<std::byte> first(4 * block);
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = content(0, i % block);
    f.write_all_at(first, 0);
    weft::scope all;
    for (std::uint64_t i = 0; i < 4; ++i) {
      all.spawn([&f, i, laps] {
        seeded_random drawn(i);
        rewrite_block(f, i * block, drawn, laps);
      });
    }
    all.join();
  });
}

// Opening and closing at any moment: no descriptor of an open that was stopped is lost.
TEST_P(FileStorm, OnOpens) {
  const temporary_folder folder;
  const std::size_t laps = weft::testing::stress_count(300);
  weft::run(weft_test::workers(GetParam()), [&] {
    const weft_test::no_descriptor_leaks none;
    seeded_random drawn(1);
    for (std::size_t lap = 0; lap < laps; ++lap) {
      auto opening = weft::spawn({.name = "opening", .spread = true}, [&] {
        try {
          file f = file::open(folder / "b", {.access = weft::fs::access::read_write, .create = true});
          f.write_all(weft_test::bytes("x"));
        } catch (const weft::cancelled&) {
        }
      });
      weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(50)));
      opening.request_stop();
      opening.join();
    }
  });
}

}  // namespace

// The error category of files and streams.
#include <weft/io/end_of_file.hpp>

#include <string>  // string

namespace weft::inline v0::fs {
namespace {

class fs_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.fs"; }
  std::string message(int value) const override {
    return value == static_cast<int>(error::end_of_file) ? "end of file" : "unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const fs_category category;
  return category;
}

}  // namespace weft::inline v0::fs

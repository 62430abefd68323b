// Symbolic and hard links.
#include <weft/fs/operations.hpp>

#include <utility>  // move

#include "fs/info.hpp"
#include "io/errors.hpp"
#include "io/file_calls.hpp"

namespace weft::inline v0::fs {

namespace calls = detail::file_calls;
using detail::or_throw;
using detail::to_error_code;

void create_symlink(const path& target, const path& link, std::error_code& error) {
  error = to_error_code(calls::make_symlink(target.c_str(), link.c_str()).error);
}
void create_symlink(const path& target, const path& link) {
  or_throw("create symlink", link, [&](std::error_code& error) { fs::create_symlink(target, link, error); });
}

void create_hard_link(const path& target, const path& link, std::error_code& error) {
  error = to_error_code(calls::make_link(target.c_str(), link.c_str()).error);
}
void create_hard_link(const path& target, const path& link) {
  or_throw("create hard link", link, [&](std::error_code& error) { fs::create_hard_link(target, link, error); });
}

path read_symlink(const path& link, std::error_code& error) {
  // The system fills what it is given and does not say whether that was all, nor does a status always know the length.
  for (std::string text(256, '\0');; text.resize(2 * text.size())) {
    const detail::os::result r = calls::read_link(link.c_str(), text);
    error = to_error_code(r.error);
    if (error) {
      return {};
    }
    if (r.count() < text.size()) {
      text.resize(r.count());
      return path(std::move(text));
    }
  }
}
path read_symlink(const path& link) {
  return or_throw("read symlink", link, [&](std::error_code& error) { return fs::read_symlink(link, error); });
}

}  // namespace weft::inline v0::fs

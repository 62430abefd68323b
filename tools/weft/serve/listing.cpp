// Folder listings; every name is escaped twice, once as a URL and once as HTML.
#include "serve/listing.hpp"

#include <dirent.h>    // fdopendir, readdir
#include <fcntl.h>     // AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT
#include <sys/stat.h>  // fstatat

#include <algorithm>  // none_of, sort
#include <cerrno>     // errno
#include <memory>     // unique_ptr
#include <tuple>      // tie
#include <vector>     // vector

#include "serve/path_guard.hpp"  // encode_path, escape_html

namespace weft::tool {
namespace {

struct entry {
  bool file;  // false sorts first: folders
  std::string name;
};

struct close_folder {
  void operator()(DIR* dir) const noexcept { static_cast<void>(::closedir(dir)); }
};

// A link counts as a file, wherever it leads: following it would look outside the served folder, and could wait for a
// file system that has to be mounted first. One to a folder works as a link of the page all the same: the server redirects
// to the address with a slash.
bool is_folder(DIR* dir, const dirent& found) noexcept {
  if (found.d_type != DT_UNKNOWN) {
    return found.d_type == DT_DIR;
  }
  struct stat st {};
  return ::fstatat(::dirfd(dir), found.d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 && S_ISDIR(st.st_mode);
}

// A name no URL can ask for would be a dead link.
bool servable(std::string_view name) noexcept {
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || byte == '\\';
  });
}

void render(std::string_view relative, const std::vector<entry>& entries, std::size_t left_out, std::string& out) {
  const std::string title = escape_html(relative.empty() ? "/" : "/" + std::string{relative} + "/");
  out = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + title + "</title></head>\n<body><h1>" + title +
        "</h1>\n<ul>\n";
  if (!relative.empty()) {
    out += "<li><a href=\"../\">../</a></li>\n";
  }
  for (const auto& [file, name] : entries) {
    const std::string shown = name + (file ? "" : "/");
    // "./" keeps a name with a colon from being read as a scheme.
    out += "<li><a href=\"." + escape_html(encode_path(shown)) + "\">" + escape_html(shown) + "</a></li>\n";
  }
  out += "</ul>\n";
  if (left_out != 0) {
    out += "<p>" + std::to_string(left_out) + " more not shown</p>\n";
  }
  out += "</body></html>\n";
}

}  // namespace

int render_listing(descriptor folder, std::string_view relative, std::string& out) {
  const std::unique_ptr<DIR, close_folder> dir{::fdopendir(folder.get())};
  if (dir == nullptr) {
    return errno;
  }
  static_cast<void>(folder.release());  // the DIR owns it now
  std::vector<entry> entries;
  std::size_t left_out = 0;
  for (;;) {
    errno = 0;
    const dirent* const found = ::readdir(dir.get());
    if (found == nullptr) {
      if (errno != 0) {
        return errno;
      }
      break;
    }
    const std::string_view name = found->d_name;
    if (name == "." || name == ".." || !servable(name)) {
      continue;
    }
    if (entries.size() == most_entries) {
      ++left_out;
      continue;
    }
    entries.push_back({!is_folder(dir.get(), *found), std::string{name}});
  }
  std::sort(entries.begin(), entries.end(),
            [](const entry& a, const entry& b) { return std::tie(a.file, a.name) < std::tie(b.file, b.name); });
  render(relative, entries, left_out, out);
  return 0;
}

}  // namespace weft::tool

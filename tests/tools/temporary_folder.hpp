// A folder for one test, removed with what is in it.
#pragma once
#include <filesystem>    // path, temp_directory_path
#include <fstream>       // ofstream
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // system_error
#include <cerrno>        // errno
#include <cstdlib>       // mkdtemp

namespace weft::tool::test {

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::system_category(), name);
    }
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;  // a leftover in /tmp fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  void write(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream out{path_ / name, std::ios::binary};
    out << content;
    out.close();
    if (!out) {
      throw std::system_error(errno, std::system_category(), std::string{name});
    }
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::tool::test

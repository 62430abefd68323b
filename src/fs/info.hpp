// What the functions of this layer share: what the system tells of a file, and errors that name it.
#pragma once
#include <string>        // string
#include <system_error>  // error_code, system_error

#include <sys/stat.h>  // statx

#include <weft/fs/file.hpp>
#include <weft/fs/file_info.hpp>

namespace weft::inline v0::detail {

fs::file_info to_file_info(const struct statx& raw) noexcept;

inline void throw_if(const std::error_code& error, const char* what, const fs::path& where) {
  if (error) {
    throw std::system_error(error, std::string(what) + " " + where.string());
  }
}

// The throwing form of a function: call(error) -> anything.
template <class Call>
auto or_throw(const char* what, const fs::path& where, Call&& call) {
  std::error_code error;
  if constexpr (std::is_void_v<decltype(call(error))>) {
    call(error);
    throw_if(error, what, where);
  } else {
    auto got = call(error);
    throw_if(error, what, where);
    return got;
  }
}

}  // namespace weft::inline v0::detail

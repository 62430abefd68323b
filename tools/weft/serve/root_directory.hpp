// The served folder. The one idea: every open starts at its descriptor and the kernel is told not to leave it, so neither
// a symbolic link nor a rename under way can lead out, whatever the text of the path.
#pragma once
#include <sys/stat.h>  // stat

#include <string>  // string

#include "common/descriptor.hpp"  // descriptor
#include "serve/lane.hpp"         // lane

namespace weft::tool {

struct opened_file {
  descriptor fd;      // invalid when error is set
  int error = 0;      // errno of what failed
  struct stat st {};  // of fd
};

class root_directory {
 public:
  // How paths are resolved. `beneath`: openat2 with RESOLVE_BENEATH, links inside the folder work. `walk`: component by
  // component with O_NOFOLLOW where the kernel (or a seccomp filter) has no openat2; all links are refused.
  enum class resolver { automatic, beneath, walk };

  // \throws std::system_error: no such folder, not a folder, no permission.
  explicit root_directory(const std::string& path, resolver how = resolver::automatic);

  // Opens for reading; `relative` has no leading slash, empty is the folder itself. Never blocks on a FIFO or device.
  // What the kernel can answer from its caches it answers in place, the rest goes through `slow`.
  opened_file open(const std::string& relative, lane& slow) const;

  resolver how() const noexcept { return how_; }

 private:
  descriptor root_;
  resolver how_;
  bool cached_ = false;  // the kernel knows RESOLVE_CACHED (5.12)
};

}  // namespace weft::tool

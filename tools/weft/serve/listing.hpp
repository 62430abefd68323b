// The page that stands for a folder without an index.html.
#pragma once
#include <string>       // string
#include <string_view>  // string_view

#include "common/descriptor.hpp"  // descriptor

namespace weft::tool {

// Reads the folder behind `folder` (consumed) and renders names, folders first, in byte order. `relative` is its path
// below the root, for the title. At most `most_entries` names; the page says how many were left out. Blocks on the disk:
// run it on a lane. Returns 0 and the page in `out`, or an errno.
int render_listing(descriptor folder, std::string_view relative, std::string& out);

inline constexpr std::size_t most_entries = 10'000;  // ~1 MiB of HTML; a browser still shows it

}  // namespace weft::tool

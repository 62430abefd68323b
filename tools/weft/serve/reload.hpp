// SIGHUP: the files that the server has open once and for all are opened again.
#pragma once
#include <weft/sync/semaphore.hpp>  // counting_semaphore

#include "serve/server.hpp"   // serve_options
#include "serve/session.hpp"  // shared_state

namespace weft::tool {

// Whether a SIGHUP has anything to do. Without, it is left to do what it does to any program.
bool has_files_to_reload(const serve_options& options);

// A fiber's work: for each permit of `hangups` reads certificate and key again and opens the log again, on the blocking
// pool, and says on standard error how it went. What fails stays as it was. Returns after a permit that comes with a stop.
void reload_files(const serve_options& options, shared_state& state, counting_semaphore<>& hangups);

}  // namespace weft::tool

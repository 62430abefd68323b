// `weft echo`: gives back what it gets.
#pragma once
#include "common/stream_server.hpp"  // stream_server_options

namespace weft::tool {

// Runs to the end of the server. Returns the exit code. \throws failure, std::exception
int echo(const stream_server_options& options);

}  // namespace weft::tool

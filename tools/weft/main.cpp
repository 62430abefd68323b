// The weft command: reads the command line and hands over. Mistakes of the person at the terminal end in one line that says
// what to do, on standard error, and exit code 2; failures of the work in exit code 1.
#include <algorithm>    // replace
#include <cstdint>      // uint64_t
#include <cstdio>       // fprintf, fputs
#include <exception>    // exception
#include <string>       // string
#include <string_view>  // string_view

#include <CLI/CLI.hpp>           // App
#include <weft/base/config.hpp>  // WEFT_VERSION_*

#include "common/failure.hpp"  // failure
#include "common/units.hpp"    // parse_duration, parse_bytes
#include "echo/echo.hpp"       // echo
#include "load/load.hpp"       // load
#include "proxy/proxy.hpp"     // proxy
#include "serve/server.hpp"    // serve

namespace {

using weft::tool::load_options;
using weft::tool::proxy_options;
using weft::tool::serve_options;
using weft::tool::stream_server_options;

std::string version() {
  return "weft " + std::to_string(WEFT_VERSION_MAJOR) + "." + std::to_string(WEFT_VERSION_MINOR) + "." +
         std::to_string(WEFT_VERSION_PATCH);
}

std::string text_of(std::chrono::milliseconds d) {
  return d.count() % 1000 == 0 ? std::to_string(d.count() / 1000) + "s" : std::to_string(d.count()) + "ms";
}

CLI::Option* add_duration(CLI::App& to, const std::string& name, std::chrono::milliseconds& target,
                          const std::string& help) {
  return to
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            const auto value = weft::tool::parse_duration(text);
            if (!value || value->count() == 0) {
              throw CLI::ValidationError(name, "'" + text + "' is not a time such as 30s, 500ms or 2m");
            }
            target = *value;
          },
          help)
      ->default_str(text_of(target))
      ->type_name("TIME");
}

std::string not_empty(const std::string& text) { return text.empty() ? "the name of a file is needed" : ""; }

void add_serve(CLI::App& app, serve_options& o) {
  auto& c = *app.add_subcommand("serve", "Serve the files of a folder over HTTP/1.1, one fiber per connection");
  c.add_option("folder", o.folder, "The folder to serve; nothing outside it is reachable")
      ->required()
      ->type_name("DIR");
  c.add_option("--listen", o.listen, "Address and port; port 0 takes a free one")->capture_default_str();
  auto* const certificate =
      c.add_option("--cert", o.certificate.chain, "Serve HTTPS with this certificate and those it follows from (PEM)")
          ->type_name("FILE");
  auto* const key = c.add_option("--key", o.certificate.key, "The certificate's private key (PEM, without a password)")
                        ->type_name("FILE");
  certificate->needs(key)->check(not_empty);
  key->needs(certificate)->check(not_empty);
  c.add_option("--workers", o.workers, "Worker threads; 0: one per CPU")
      ->check(CLI::Range(0U, 1024U))
      ->capture_default_str();
  c.add_option("--max-connections", o.max_connections,
               "Connections at a time, others wait; 0: three quarters of the limit on open files")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  add_duration(c, "--idle-timeout", o.limit.idle, "Close a connection that is silent, or does not read, this long");
  add_duration(c, "--request-timeout", o.limit.request, "A request must have arrived whole in this time");
  add_duration(c, "--grace", o.grace, "After Ctrl-C, let requests in flight finish for this long");
  c.add_option_function<std::string>(
       "--max-header",
       [&o](const std::string& text) {
         const auto value = weft::tool::parse_bytes(text);
         if (!value || *value < 256 || *value > (1U << 20)) {
           throw CLI::ValidationError("--max-header", "'" + text + "' is not a size from 256 to 1M, such as 16k");
         }
         o.limit.header = *value;
       },
       "Longest request line with header fields")
      ->default_str("16k")
      ->type_name("SIZE");
  auto* const log = c.add_option("--log", o.log, "Access log: a file, - for standard output, off")
                        ->capture_default_str()
                        ->type_name("FILE|-|off");
  c.add_flag("--quiet", o.quiet, "Print nothing; no access log unless --log names one");
  c.footer(
      "With --cert or a log file, SIGHUP reads certificate and key again and opens the file again; connections go on. "
      "SIGINT (Ctrl-C) or SIGTERM stops: no new connections, and requests in flight have --grace to end; a second "
      "signal ends at once.");
  c.callback([&o, log] {
    if (o.quiet && log->count() == 0) {
      o.log = "off";
    }
  });
}

void add_load(CLI::App& app, load_options& o) {
  auto& c = *app.add_subcommand("load", "Put load on an HTTP server: many keep-alive connections, one fiber each");
  c.add_option("url", o.url, "What to get, http://host[:port]/path")->required()->type_name("URL");
  c.add_option("--connections", o.connections, "Connections at a time")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  auto* const duration = add_duration(c, "--duration", o.duration, "How long to measure, once all are connected");
  c.add_option("--pipeline", o.pipeline, "Requests sent ahead on each connection")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  c.add_option("--requests", o.requests,
               "Stop after this many requests, without a limit of time unless --duration is given")
      ->capture_default_str();
  add_duration(c, "--timeout", o.timeout, "A connection that is silent this long has failed");
  c.add_option("--workers", o.workers, "Worker threads; 0: one per CPU")
      ->check(CLI::Range(0U, 1024U))
      ->capture_default_str();
  c.add_flag("--json", o.json, "Print the result as one JSON object");
  c.add_flag("--progress", o.progress, "A line each second on standard error, also when it is no terminal");
  c.callback([&o, duration] {
    if (o.requests != 0 && duration->count() == 0) {
      o.duration = std::chrono::hours{24 * 365};
    }
  });
}

// What echo and proxy have in common. `files`: open files of a connection.
void add_stream_server(CLI::App& c, stream_server_options& o, const std::string& files) {
  c.add_option("listen", o.listen,
               "Where to listen: 127.0.0.1:7000, [::1]:7000 (port 0 takes a free one), unix:/run/my.sock")
      ->required()
      ->type_name("LISTEN");
  c.add_option("--workers", o.workers, "Worker threads; 0: one per CPU")
      ->check(CLI::Range(0U, 1024U))
      ->capture_default_str();
  c.add_option("--max-connections", o.max_connections,
               "Connections at a time, others wait unaccepted; 0: what the limit on open files allows, " + files)
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
}

constexpr const char* reports =
    "SIGUSR1 prints the counters, which are also printed at the end. SIGINT (Ctrl-C) or SIGTERM stops: no new "
    "connections, and "
    "the open ones have --grace to end; a second signal ends at once.";

void add_echo(CLI::App& app, stream_server_options& o) {
  auto& c = *app.add_subcommand("echo", "Give back every byte to whom it came from, over TCP or a Unix socket");
  add_stream_server(c, o, "one each");
  add_duration(c, "--idle-timeout", o.idle, "End a connection that sends nothing, or does not read, this long");
  add_duration(c, "--grace", o.grace, "After Ctrl-C, let connections take what is left for them for this long");
  c.footer(reports);
}

void add_proxy(CLI::App& app, proxy_options& o) {
  auto& c =
      *app.add_subcommand("proxy", "Pass connections on to somewhere else, TCP and Unix sockets in any combination");
  add_stream_server(c, o.server, "two each");
  c.add_option(
       "target", o.target,
       "Where they go: 127.0.0.1:5432, [::1]:5432, db.example:5432 (looked up for each connection), unix:/run/my.sock")
      ->required()
      ->type_name("TARGET");
  add_duration(c, "--connect-timeout", o.connect_timeout,
               "Give up on the target, and close the connection, after this long");
  add_duration(c, "--idle-timeout", o.server.idle,
               "Reset a connection on which nothing moves in either direction this long");
  add_duration(c, "--grace", o.server.grace, "After Ctrl-C, let open connections go on for this long, then reset them");
  c.footer(reports);
}

int complain(std::string what, const std::string& hint) {
  while (!what.empty() && what.back() == '\n') {
    what.pop_back();
  }
  std::replace(what.begin(), what.end(), '\n', ' ');
  std::fprintf(stderr, "weft: %s; see '%s'\n", what.c_str(), hint.c_str());
  return 2;
}

// `weft help` and `weft help serve`. Not App::help(), which would explain the command that was given: help.
int print_help(const CLI::App& app, const std::string& topic) {
  const CLI::App* about = &app;
  std::string name = "weft";
  if (!topic.empty()) {
    const auto found = app.get_subcommands([&](const CLI::App* c) { return c->get_name() == topic; });
    if (found.empty()) {
      return complain("there is no command '" + topic + "'", "weft help");
    }
    about = found.front();
    name += " " + topic;
  }
  std::fputs(app.get_formatter()->make_help(about, name, CLI::AppFormatMode::Normal).c_str(), stdout);
  return 0;
}

// CLI11 says "a subcommand is required" to no command and to an unknown one alike.
int complain_about(const CLI::App& app, const CLI::ParseError& e, int argc, char** argv) {
  const auto chosen = app.get_subcommands();
  if (!chosen.empty()) {
    return complain(e.what(), "weft help " + chosen.front()->get_name());
  }
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    return complain("give a command, such as 'weft serve DIR'", "weft help");
  }
  return complain(first.front() == '-' ? "there is no flag '" + first + "'" : "there is no command '" + first + "'",
                  "weft help");
}

int run(int argc, char** argv) {
  CLI::App app{"weft: fibers for C++20. This command serves files, measures servers, echoes and passes connections on.",
               "weft"};
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  serve_options serving;
  load_options loading;
  stream_server_options echoing;
  proxy_options passing;
  std::string topic;
  add_serve(app, serving);
  add_load(app, loading);
  add_echo(app, echoing);
  add_proxy(app, passing);
  auto* const help = app.add_subcommand("help", "Explain a command");
  help->add_option("command", topic, "The command to explain");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      return app.exit(e);  // --help, --version
    }
    return complain_about(app, e, argc, argv);
  }
  if (help->parsed()) {
    return print_help(app, topic);
  }
  if (app.got_subcommand("echo")) {
    return weft::tool::echo(echoing);
  }
  if (app.got_subcommand("proxy")) {
    return weft::tool::proxy(passing);
  }
  return app.got_subcommand("serve") ? weft::tool::serve(serving) : weft::tool::load(loading);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    const std::string_view what = e.what();  // the library's own begin with its name
    std::fprintf(stderr, "%s%s\n", what.starts_with("weft: ") ? "" : "weft: ", e.what());
    return 1;
  }
}

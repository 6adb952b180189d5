// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <CLI/CLI.hpp>

#include "cli/env_command.h"
#include "cli/server_commands.h"
#include "server/installation.h"

namespace lazuli::cli {
namespace {

constexpr const char* kAbout =
    "Lazuli: machine learning on your own machine, with Azure's own API.\n";
constexpr const char* kExamples =
    "Examples:\n"
    "  lazuli up                     start the server in the background\n"
    "  eval \"$(lazuli env)\"          let unmodified Azure clients in this shell use it\n"
    "  lazuli demo                   train, register, deploy and score a model\n"
    "  lazuli status                 where it answers\n"
    "  lazuli down                   stop it\n"
    "Every command has --help.";

// What all commands share; filled by the parser.
struct Common {
  std::string data_flag;
  int status = kSuccess;
  std::string data_dir() const { return server::default_data_dir(data_flag); }
};

CLI::App* add_command(CLI::App& app, Common& common, const std::string& name,
                      const std::string& description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->add_option("--data", common.data_flag,
                      "data directory (default: $LAZULI_DATA, else ~/.lazuli)");
  return command;
}

struct ServeFlags {
  server::ServeOptions options;
  int port = -1;
};

void add_serve_flags(CLI::App* command, ServeFlags& flags) {
  command->add_option("--port", flags.port,
                      "port; 0 picks a free one (default: 443, else 8443, else a free one)");
  command->add_option("--listen", flags.options.listen,
                      "address to listen on (default: every loopback)");
  command->add_option("--domain", flags.options.domain,
                      "domain of all names (default: lazuli.localhost)");
  command->add_option("--database", flags.options.database_url,
                      "metadata database: a PostgreSQL URL (default: SQLite in the data directory)");
}

server::ServeOptions serve_options(const Common& common, const ServeFlags& flags) {
  server::ServeOptions options = flags.options;
  options.data_dir = common.data_dir();
  if (flags.port >= 0) options.port = static_cast<uint16_t>(flags.port);
  return options;
}

void add_server_commands(CLI::App& app, Common& common, ServeFlags& flags, bool& json) {
  CLI::App* serve = add_command(app, common, "serve", "Run the server in the foreground");
  add_serve_flags(serve, flags);
  serve->callback([&] { common.status = server::serve(serve_options(common, flags)); });
  CLI::App* start = add_command(app, common, "up", "Start the server in the background");
  add_serve_flags(start, flags);
  start->callback([&] { common.status = up(serve_options(common, flags)); });
  CLI::App* stop = add_command(app, common, "down", "Stop the background server");
  stop->callback([&] { common.status = down(common.data_dir()); });
  CLI::App* state = add_command(app, common, "status", "Show whether and where it answers");
  state->add_flag("--json", json, "print JSON");
  state->callback([&] { common.status = status(common.data_dir(), json); });
}

void add_env_command(CLI::App& app, Common& common, EnvOptions& options) {
  CLI::App* command =
      add_command(app, common, "env", "Print what makes Azure clients use this server");
  command->add_flag("--json", options.json, "print JSON instead of shell exports");
  command->add_flag("--proxy", options.proxy, "always go through the server's own proxy");
  command->footer("Example:\n  eval \"$(lazuli env)\"");
  command->callback([&] {
    options.data_dir = common.data_dir();
    common.status = env(options);
  });
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app(kAbout, "lazuli");
  app.footer(kExamples);
  Common common;
  ServeFlags serve_flags;
  EnvOptions env_options;
  bool json = false;
  add_server_commands(app, common, serve_flags, json);
  add_env_command(app, common, env_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? kSuccess : kUsage;
  }
  if (argc < 2) std::fputs(app.help().c_str(), stdout);
  return common.status;
}

}  // namespace lazuli::cli

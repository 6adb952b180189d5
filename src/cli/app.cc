// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <CLI/CLI.hpp>

#include "cli/demo.h"
#include "cli/env_command.h"
#include "cli/resource_commands.h"
#include "cli/routes_command.h"
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
  command->add_option(
      "--database", flags.options.database_url,
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
  CLI::App* declared = app.add_subcommand("routes", "List every operation and its permission");
  declared->add_flag("--json", json, "print JSON");
  declared->callback([&] { common.status = routes(json); });
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

void add_demo_command(CLI::App& app, Common& common, std::string& examples) {
  CLI::App* command = add_command(app, common, "demo",
                                  "Run the main job: train, register, deploy and score a model");
  command->add_option("--examples", examples, "folder of the example's YAML files");
  command->callback([&] { common.status = demo(common.data_dir(), examples); });
}

void add_verb(CLI::App* noun, Common& common, ResourceRequest& request, const std::string& verb,
              const std::string& description) {
  CLI::App* command = noun->add_subcommand(verb, description);
  std::string name = noun->get_name();
  command->add_option("--data", common.data_flag,
                      "data directory (default: $LAZULI_DATA, else ~/.lazuli)");
  command->add_flag_callback("-j,--json", [&request] { request.json = true; }, "print JSON");
  command
      ->add_option_function<std::string>(
          "-o,--output", [&request](const std::string& form) { request.json = form == "json"; },
          "json or table")
      ->check(CLI::IsMember({"json", "table"}));
  bool create = verb == "create", show = verb == "show" || verb == "stream";
  if (create) command->add_option("-f,--file", request.file, "Azure ML YAML file")->required();
  CLI::Option* named = command->add_option("-n,--name,name", request.name, "name");
  if (show) named->required();
  bool versioned = name == "model" || name == "data" || name == "environment";
  if (show && versioned) command->add_option("-v,--version", request.version, "version");
  if (name == "deployment" && !create)
    command->add_option("-e,--endpoint-name", request.endpoint, "its endpoint")->required();
  if (name == "job" && create)
    command->add_flag("--stream", request.stream, "follow the job's log until it ends");
  command->footer("Example:\n  lazuli " + name + " " + verb +
                  (create ? " -f " + name + ".yml"
                   : show ? " NAME"
                          : " -o json"));
  command->callback([&common, &request, name, verb] {
    request.data_dir = common.data_dir();
    request.noun = name;
    request.verb = verb;
    common.status = resource_command(request);
  });
}

void add_resource_commands(CLI::App& app, Common& common, ResourceRequest& request) {
  for (std::string name : {"job", "model", "data", "environment", "endpoint", "deployment"}) {
    CLI::App* noun = app.add_subcommand(name, "Work with " + name + "s from Azure ML YAML files");
    noun->require_subcommand(1);
    add_verb(noun, common, request, "create", "Create from a YAML file");
    add_verb(noun, common, request, "list", "List");
    add_verb(noun, common, request, "show", "Show one");
    if (name == "job") add_verb(noun, common, request, "stream", "Follow the log until it ends");
  }
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
  std::string examples;
  add_demo_command(app, common, examples);
  ResourceRequest request;
  add_resource_commands(app, common, request);
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

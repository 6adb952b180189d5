// SPDX-License-Identifier: Apache-2.0
#include "cli/app.h"

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "cli/ad_command.h"
#include "cli/audit_command.h"
#include "cli/demo.h"
#include "cli/deployment_command.h"
#include "cli/env_command.h"
#include "cli/keys_command.h"
#include "cli/login_command.h"
#include "cli/resource_commands.h"
#include "cli/role_command.h"
#include "cli/root_key_command.h"
#include "cli/routes_command.h"
#include "cli/server_commands.h"
#include "cli/setup_command.h"
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
    "  lazuli login                  sign in; commands then act as you\n"
    "  lazuli whoami --why OPERATION SCOPE     why something is allowed or refused\n"
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

void add_example(CLI::App* command, const std::string& text) {
  command->footer("Example:\n  lazuli " + text);
}

void add_output_flags(CLI::App* command, bool& json) {
  command->add_flag("-j,--json", json, "print JSON");
  command
      ->add_option_function<std::string>(
          "-o,--output", [&json](const std::string& form) { json = form == "json"; },
          "json or table")
      ->check(CLI::IsMember({"json", "table"}));
}

struct ServeFlags {
  server::ServeOptions options;
  int port = -1;
};

void add_serve_flags(CLI::App* command, ServeFlags& flags) {
  command
      ->add_option("--port", flags.port,
                   "port; 0 picks a free one (default: 443, else 8443, else a free one)")
      ->check(CLI::Range(0, 65535));
  command->add_option("--listen", flags.options.listen,
                      "address to listen on (default: every loopback)");
  command->add_option("--domain", flags.options.domain,
                      "domain of all names (default: lazuli.localhost)");
  command->add_option(
      "--database", flags.options.database_url,
      "metadata database: a PostgreSQL URL (default: SQLite in the data directory)");
  command->add_option("--bytes", flags.options.bytes_url,
                      "where contents are kept: s3:https://HOST/BUCKET[/PREFIX] (default: the data "
                      "directory); keys: $LAZULI_S3_ACCESS_KEY, $LAZULI_S3_SECRET_KEY");
  command->add_option("--audit-days", flags.options.audit_days,
                      "days that the audit log is kept (default: 400)");
  command->add_option("--allow-egress", flags.options.egress_networks,
                      "private network (10.0.0.0/8) that addresses given by users may lie in; may "
                      "be repeated (default: $LAZULI_ALLOW_EGRESS, separated by commas)");
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
  add_example(serve, "serve --port 8443");
  serve->callback([&] { common.status = server::serve(serve_options(common, flags)); });
  CLI::App* start = add_command(app, common, "up", "Start the server in the background");
  add_serve_flags(start, flags);
  add_example(start, "up --port 0");
  start->callback([&] { common.status = up(serve_options(common, flags)); });
  CLI::App* stop = add_command(app, common, "down", "Stop the background server");
  add_example(stop, "down");
  stop->callback([&] { common.status = down(common.data_dir()); });
  CLI::App* state = add_command(app, common, "status", "Show whether and where it answers");
  add_output_flags(state, json);
  add_example(state, "status -o json");
  state->callback([&] { common.status = status(common.data_dir(), json); });
}

void add_setup_commands(CLI::App& app, Common& common, SetupRequest& request, ServeFlags& flags) {
  CLI::App* command = add_command(app, common, "setup",
                                  "Make the first person, Owner of everything, with the code");
  command->add_option("--code", request.code, "the setup code (default: the one that waits)");
  command->add_option("--user", request.user, "user principal name: ann@example.org")->required();
  command->add_option("--name", request.name, "display name");
  command->footer("Example:\n  lazuli setup --user ann@example.org     asks for the password");
  command->callback([&] {
    request.data_dir = common.data_dir();
    common.status = setup(request);
  });
  CLI::App* code =
      add_command(app, common, "setup-code", "With the server stopped: make a new setup code");
  code->add_option("--database", flags.options.database_url, "as the server was started with");
  code->add_option("--bytes", flags.options.bytes_url, "as the server was started with");
  add_example(code, "down && lazuli setup-code");
  code->callback([&] { common.status = setup_code(serve_options(common, flags)); });
}

void add_routes_command(CLI::App& app, Common& common, bool& declared, bool& json) {
  CLI::App* command = add_command(app, common, "routes",
                                  "List every route of the running server and who may use it");
  add_output_flags(command, json);
  command->add_flag("--declared", declared, "of this program, whether or not a server runs");
  add_example(command, "routes -o json");
  command->callback([&] { common.status = routes(common.data_dir(), declared, json); });
}

void add_role_verb(CLI::App& role, Common& common, RoleRequest& request, const std::string& verb,
                   const std::string& description) {
  CLI::App* command = add_command(role, common, verb, description);
  add_output_flags(command, request.json);
  if (verb == "unassign")
    command->add_option("--id,id", request.id, "id of the assignment")->required();
  else
    command->add_option("--scope", request.scope, "resource id (default: the subscription)");
  if (verb == "list") command->add_flag("--custom", request.custom, "custom roles alone");
  if (verb == "show" || verb == "assign")
    command->add_option("--role", request.role, "name or id of the role")->required();
  CLI::Option* principal = nullptr;
  if (verb == "assign" || verb == "assignments")
    principal = command->add_option("--assignee", request.principal, "object id");
  if (verb == "assign") {
    principal->required();
    command->add_option("--condition", request.condition, "limits what it grants");
  }
  add_example(command, cat({"role ", verb,
                            verb == "list"          ? " --custom"
                            : verb == "show"        ? " --role Reader"
                            : verb == "assign"      ? " --role Reader --assignee OBJECT_ID"
                            : verb == "assignments" ? " --assignee OBJECT_ID"
                                                    : " ASSIGNMENT_ID"}));
  command->callback([&common, &request, verb] {
    request.data_dir = common.data_dir();
    request.verb = verb;
    common.status = role_command(request);
  });
}

void add_role_commands(CLI::App& app, Common& common, RoleRequest& request) {
  CLI::App* role = app.add_subcommand("role", "Roles, and who has which where");
  role->require_subcommand(1);
  add_role_verb(*role, common, request, "list", "List the roles that can be assigned");
  add_role_verb(*role, common, request, "show", "Show one");
  add_role_verb(*role, common, request, "assign", "Give somebody a role on a scope and below");
  add_role_verb(*role, common, request, "assignments", "List who has which role");
  add_role_verb(*role, common, request, "unassign", "Take a role away");
  role->footer(
      "Example:\n  lazuli role assign --role Reader --assignee OBJECT_ID --scope /subscriptions/…");
}

// What `lazuli whoami` was asked: who, or why.
struct WhoOptions {
  std::vector<std::string> why;  // operation and scope
  bool data_action = false, json = false;
};

void add_whoami_command(CLI::App& app, Common& common, WhoOptions& options) {
  CLI::App* who = add_command(app, common, "whoami", "Show who commands act as");
  add_output_flags(who, options.json);
  who->add_option("--why", options.why,
                  "explain whether you may do OPERATION on SCOPE, and which role decides")
      ->expected(2)
      ->type_name("OPERATION SCOPE");
  who->add_flag("--data-action", options.data_action, "the operation is on data (blobs)");
  who->footer(
      "Example:\n  lazuli whoami --why Microsoft.MachineLearningServices/workspaces/jobs/write "
      "/subscriptions/…");
  who->callback([&] {
    if (options.why.empty())
      common.status = whoami(common.data_dir(), options.json);
    else
      common.status = explain_access(
          {common.data_dir(), options.why[0], options.why[1], options.data_action, options.json});
  });
}

void add_login_commands(CLI::App& app, Common& common, LoginOptions& options) {
  CLI::App* in = add_command(app, common, "login", "Sign in; other commands then act as you");
  add_output_flags(in, options.json);
  in->add_option("-t,--tenant", options.tenant, "tenant (default: the server's own)");
  in->add_flag("--use-device-code", options.device_code, "sign in with a code on another device");
  in->add_flag("--no-browser", options.no_browser, "print the address and open nothing");
  in->add_flag("--service-principal", options.service_principal, "sign in as an application");
  in->add_option("-u,--username", options.username, "the application's id");
  in->add_option("-p,--password", options.password,
                 "its client secret (default: asked for, or read from what is piped in)");
  in->add_option("--certificate", options.certificate,
                 "PEM file of its private key and certificate");
  in->footer(
      "Examples:\n  lazuli login\n  lazuli login --use-device-code\n"
      "  lazuli login --service-principal -u APP_ID --certificate app.pem");
  in->callback([&] {
    options.data_dir = common.data_dir();
    common.status = login(options);
  });
  CLI::App* out = add_command(app, common, "logout", "Forget who signed in");
  add_example(out, "logout");
  out->callback([&] { common.status = logout(common.data_dir()); });
}

void add_audit_commands(CLI::App& app, Common& common, AuditVerifyOptions& check,
                        AuditListOptions& options) {
  CLI::App* audit = app.add_subcommand("audit", "Check and read the audit log");
  audit->require_subcommand(1);
  CLI::App* verify = add_command(*audit, common, "verify",
                                 "Check that every record is as it was written and none missing");
  add_output_flags(verify, check.json);
  verify->add_option("--public-key", check.public_key,
                     "check by signatures alone, with this PEM file instead of the root key");
  verify->add_option("--folder", check.folder, "a copy of the log (default: the data directory's)");
  verify->footer("Example:\n  lazuli audit verify && echo intact");
  verify->callback([&] {
    check.data_dir = common.data_dir();
    common.status = audit_verify(check);
  });
  CLI::App* list = add_command(*audit, common, "list", "Print the newest records");
  add_output_flags(list, options.json);
  list->add_option("--scope", options.scope, "resources at or below this id");
  list->add_option("--kind", options.kind, "one kind alone")
      ->check(CLI::IsMember({"write", "release", "denial", "read", "system"}));
  list->add_option("-n,--count", options.count, "how many (default: 50)");
  add_example(list, "audit list --kind denial -n 20");
  list->callback([&] {
    options.data_dir = common.data_dir();
    common.status = audit_list(options);
  });
}

void add_root_key_commands(CLI::App& app, Common& common, RootKeyRequest& request) {
  CLI::App* root = app.add_subcommand("root-key", "Choose what keeps the root key");
  root->require_subcommand(1);
  CLI::App* show = add_command(*root, common, "show", "Say what keeps it");
  add_output_flags(show, request.json);
  add_example(show, "root-key show");
  show->callback([&] {
    request.data_dir = common.data_dir();
    common.status = root_key_show(request);
  });
  CLI::App* seal =
      add_command(*root, common, "seal", "With the server stopped: give it to another");
  seal->add_option("keeper", request.keeper, "what keeps it from now on")
      ->required()
      ->check(CLI::IsMember({"file", "passphrase", "pkcs11", "tpm2"}));
  seal->add_option("--passphrase-file", request.passphrase_file, "file that holds the passphrase");
  seal->add_option("--module", request.module, "the PKCS#11 library");
  seal->add_option("--token", request.token, "the token's label");
  seal->add_option("--key", request.key, "the label of the key in it (default: lazuli)");
  seal->add_option("--pin-file", request.pin_file, "file that holds the token's PIN");
  seal->add_option("--tcti", request.tcti, "the way to the TPM (default: the system's)");
  seal->footer("Example:\n  lazuli root-key seal passphrase --passphrase-file FILE");
  seal->callback([&] {
    request.data_dir = common.data_dir();
    common.status = root_key_seal(request);
  });
}

std::string_view ad_arguments(std::string_view noun, std::string_view verb) {
  if (verb == "list") return " -o json";
  if (verb == "link" || verb == "unlink")
    return " ann@example.org --issuer https://idp.example.org --subject 248289761001";
  if (noun == "provider" && verb == "create")
    return " --display-name Keycloak --issuer https://idp.example.org --client-id lazuli";
  if (verb == "add-member") return " GROUP_ID --member-id USER_ID";
  if (verb != "create") return " OBJECT_ID";
  if (noun == "sp") return " --id APP_ID";
  if (noun == "user")
    return " --display-name Ann --user-principal-name ann@example.org --password PASSWORD";
  return " --display-name readers";
}

void add_ad_verb(CLI::App* noun, Common& common, AdRequest& request, const std::string& verb,
                 const std::string& description) {
  CLI::App* command = add_command(*noun, common, verb, description);
  add_output_flags(command, request.json);
  const std::string name = noun->get_name();
  if (verb == "create" && name != "sp")
    command->add_option("--display-name", request.display_name, "its name")->required();
  if (verb == "create" && name == "user") {
    command->add_option("--user-principal-name", request.upn, "name to sign in with")->required();
    command->add_option("--password", request.password, "first password, to be changed")
        ->required();
  }
  const bool link = verb == "link" || verb == "unlink";
  if (link || (verb == "create" && name == "provider"))
    command->add_option("--issuer", request.issuer, "the provider's issuer, as its tokens say")
        ->required();
  if (link)
    command->add_option("--subject", request.subject, "the provider's own id of the account")
        ->required();
  if (verb == "create" && name == "provider") {
    command->add_option("--client-id", request.client_id, "this server's id there")->required();
    command->add_option("--client-secret", request.client_secret, "its secret there, if any");
    command->add_flag("--match-verified-email", request.match_email,
                      "link who signs in first to the user named like the verified e-mail address");
  }
  if (verb == "create" && name == "sp")
    command->add_option("--id", request.id, "id of its application")->required();
  else if (verb != "create" && verb != "list")
    command->add_option("--id,id", request.id, name == "user" ? "object id or name" : "object id")
        ->required();
  if (verb == "add-member")
    command->add_option("--member-id", request.member, "object id of the member")->required();
  add_example(command, cat({"ad ", name, " ", verb, ad_arguments(name, verb)}));
  command->callback([&common, &request, name, verb] {
    request.data_dir = common.data_dir();
    request.noun = name;
    request.verb = verb;
    common.status = ad_command(request);
  });
}

void add_ad_commands(CLI::App& app, Common& common, AdRequest& request) {
  CLI::App* ad = app.add_subcommand("ad", "Users, groups, applications and service principals");
  ad->require_subcommand(1);
  const std::pair<std::string, std::string> nouns[] = {{"user", "users"},
                                                       {"group", "groups"},
                                                       {"app", "applications"},
                                                       {"sp", "service principals"}};
  for (const auto& [name, plural] : nouns) {
    CLI::App* noun = ad->add_subcommand(name, "Work with " + plural);
    noun->require_subcommand(1);
    add_ad_verb(noun, common, request, "list", "List");
    add_ad_verb(noun, common, request, "show", "Show one");
    add_ad_verb(noun, common, request, "create", "Create one");
    add_ad_verb(noun, common, request, "delete", "Delete one");
    if (name == "group") {
      add_ad_verb(noun, common, request, "members", "List who is in it");
      add_ad_verb(noun, common, request, "add-member", "Add somebody to it");
    }
    if (name == "app") add_ad_verb(noun, common, request, "reset-secret", "Add a client secret");
    if (name == "user") {
      add_ad_verb(noun, common, request, "link",
                  "Let an account of a provider sign in as the user");
      add_ad_verb(noun, common, request, "unlink", "Take that back, and sign the user out");
    }
  }
  CLI::App* provider = ad->add_subcommand(
      "provider", "Work with external OpenID Connect providers that people sign in with");
  provider->require_subcommand(1);
  add_ad_verb(provider, common, request, "list", "List");
  add_ad_verb(provider, common, request, "create", "Create one");
  add_ad_verb(provider, common, request, "delete", "Delete one");
}

CLI::App* add_keys_verb(CLI::App* group, Common& common, KeysRequest& request,
                        const std::string& verb, const std::string& description) {
  CLI::App* command = add_command(*group, common, verb, description);
  add_output_flags(command, request.json);
  command->callback([&common, &request, verb] {
    request.data_dir = common.data_dir();
    request.verb = verb;
    common.status = keys_command(request);
  });
  return command;
}

void add_keys_commands(CLI::App& app, Common& common, KeysRequest& request) {
  CLI::App* keys = app.add_subcommand("keys", "The keys that sign tokens");
  keys->require_subcommand(1);
  add_example(add_keys_verb(keys, common, request, "list", "List"), "keys list");
  CLI::App* rotate = add_keys_verb(keys, common, request, "rotate",
                                   "Make new keys; the old ones verify until their tokens end");
  rotate->add_flag("--at-once", request.at_once,
                   "sign with them now, not only when all who keep our keys know them (two days)");
  add_example(rotate, "keys rotate --at-once");
  CLI::App* drop = add_keys_verb(keys, common, request, "drop",
                                 "End a key that has become known, with all its tokens");
  drop->add_option("--id,id", request.id, "the key's id")->required();
  add_example(drop, "keys drop KEY_ID");
  CLI::App* token = app.add_subcommand("token", "Tokens that were issued");
  token->require_subcommand(1);
  CLI::App* revoke = add_keys_verb(token, common, request, "revoke", "End one token at once");
  revoke->add_option("token", request.token, "the token, or its id (claim uti)")->required();
  add_example(revoke, "token revoke \"$TOKEN\"");
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
  add_example(command, "demo");
  command->callback([&] { common.status = demo(common.data_dir(), examples); });
}

void add_verb(CLI::App* noun, Common& common, ResourceRequest& request, const std::string& verb,
              const std::string& description) {
  CLI::App* command = add_command(*noun, common, verb, description);
  const std::string name = noun->get_name();
  add_output_flags(command, request.json);
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
  const std::string of = name == "deployment" && !create ? " -e ENDPOINT" : "";
  add_example(command, cat({name, " ", verb, of,
                            create ? " -f " + name + ".yml"
                            : show ? " NAME"
                                   : " -o json"}));
  command->callback([&common, &request, name, verb] {
    request.data_dir = common.data_dir();
    request.noun = name;
    request.verb = verb;
    common.status = resource_command(request);
  });
}

void add_deployment_verb(CLI::App* group, Common& common, DeploymentRequest& request,
                         const std::string& verb, const std::string& description) {
  CLI::App* command = add_command(*group, common, verb, description);
  add_output_flags(command, request.json);
  command->add_option("-g,--resource-group", request.group,
                      "resource group (default: the server's own)");
  CLI::Option* name = command->add_option("-n,--name", request.name, "name of the deployment");
  if (verb == "show") name->required();
  const bool takes_template = verb != "show" && verb != "list";
  if (takes_template) {
    command->add_option("-f,--template-file", request.template_file, "ARM template (JSON)")
        ->required();
    command->add_option("-p,--parameters", request.parameters,
                        "NAME=VALUE, or @FILE with ARM parameters; may be repeated");
    command->add_option("--mode", request.mode, "Incremental or Complete")
        ->check(CLI::IsMember({"Incremental", "Complete"}));
  }
  command->footer("Example:\n  lazuli deployment group " + verb +
                  (takes_template   ? " -f main.json -p name=value"
                   : verb == "show" ? " -n main"
                                    : ""));
  command->callback([&common, &request, verb] {
    request.data_dir = common.data_dir();
    request.verb = verb;
    common.status = deployment_command(request);
  });
}

// Azure Resource Manager's deployments, beside those of online endpoints.
void add_deployment_commands(CLI::App& app, Common& common, DeploymentRequest& request) {
  CLI::App* group = app.get_subcommand("deployment")
                        ->add_subcommand("group", "Deploy ARM templates to a resource group");
  group->require_subcommand(1);
  add_deployment_verb(group, common, request, "create", "Deploy a template");
  add_deployment_verb(group, common, request, "validate", "Validate a template");
  add_deployment_verb(group, common, request, "what-if", "Show what a template would change");
  add_deployment_verb(group, common, request, "list", "List deployments");
  add_deployment_verb(group, common, request, "show", "Show a deployment");
}

void add_resource_commands(CLI::App& app, Common& common, ResourceRequest& request) {
  const std::pair<std::string, std::string> nouns[] = {
      {"job", "jobs"},
      {"model", "models"},
      {"data", "data assets"},
      {"environment", "environments"},
      {"endpoint", "online endpoints"},
      {"deployment", "deployments of online endpoints"}};
  for (const auto& [name, plural] : nouns) {
    CLI::App* noun = app.add_subcommand(name, "Work with " + plural + " from Azure ML YAML files");
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
  bool json = false, declared = false;
  add_server_commands(app, common, serve_flags, json);
  SetupRequest setup_request;
  add_setup_commands(app, common, setup_request, serve_flags);
  add_routes_command(app, common, declared, json);
  LoginOptions login_options;
  add_login_commands(app, common, login_options);
  WhoOptions who_options;
  add_whoami_command(app, common, who_options);
  RoleRequest role_request;
  add_role_commands(app, common, role_request);
  AuditVerifyOptions audit_check;
  AuditListOptions audit_options;
  add_audit_commands(app, common, audit_check, audit_options);
  RootKeyRequest root_key;
  add_root_key_commands(app, common, root_key);
  AdRequest ad_request;
  add_ad_commands(app, common, ad_request);
  KeysRequest keys_request;
  add_keys_commands(app, common, keys_request);
  add_env_command(app, common, env_options);
  std::string examples;
  add_demo_command(app, common, examples);
  ResourceRequest request;
  add_resource_commands(app, common, request);
  DeploymentRequest deployment;
  add_deployment_commands(app, common, deployment);
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

// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/installer.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/strings.h"
#include "engines/compute/sandbox.h"
#include "proc/files.h"
#include "proc/run.h"

extern char** environ;

namespace lazuli::compute {
namespace {

constexpr const char* kPython = "/usr/bin/python3";
constexpr Duration kInstallTimeout = std::chrono::minutes(60);
constexpr size_t kErrorLinesMax = 12;

// Of our own environment these would lead the installers astray.
constexpr auto kDropped = std::to_array<std::string_view>(
    {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX", "UV_PROJECT", "UV_SYSTEM_PYTHON",
     "UV_CACHE_DIR", "UV_PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV",
     "UV_COMPILE_BYTECODE", "MLFLOW_TRACKING_TOKEN", "AZURE_CLIENT_SECRET",
     "AZURE_STORAGE_CONNECTION_STRING"});

std::string environment_value(const char* name) {
  const char* value = ::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<std::string> own_environment() {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    std::string_view text = *line;
    std::string_view name = text.substr(0, text.find('='));
    if (std::find(kDropped.begin(), kDropped.end(), name) == kDropped.end())
      lines.emplace_back(text);
  }
  return lines;
}

std::string pip_variable(std::string_view key) {  // "index-url" → "PIP_INDEX_URL"
  std::string variable = "PIP_";
  for (char c : key) variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return variable;
}

// pip's own order: environment, $PIP_CONFIG_FILE, the user's file, the machine's.
std::string pip_setting(std::string_view key) {
  std::string given = environment_value(pip_variable(key).c_str());
  if (!given.empty()) return given;
  std::string home = environment_value("HOME");
  std::string config = environment_value("XDG_CONFIG_HOME");
  if (config.empty()) config = home + "/.config";
  for (const std::string& path : {environment_value("PIP_CONFIG_FILE"), config + "/pip/pip.conf",
                                  home + "/.pip/pip.conf", std::string("/etc/pip.conf")})
    if (auto value = pip_config_value(read_file(path).value_or(""), key)) return *value;
  return {};
}

// pip skips folders of wheels that are not there, uv does not.
std::string existing_links(const std::string& links) {
  std::vector<std::string> kept;
  for (std::string_view link : split(links, ' '))
    if (link.find("://") != link.npos || (!link.empty() && file_exists(std::string(link))))
      kept.emplace_back(link);
  return join(kept, ",");
}

void set_unless_given(std::vector<std::string>& environment, std::string_view name,
                      const std::string& value) {
  if (value.empty() || !environment_value(std::string(name).c_str()).empty()) return;
  environment.push_back(cat({name, "=", value}));
}

std::vector<std::string> uv_environment(const InstallOptions& options) {
  std::vector<std::string> environment = own_environment();
  environment.push_back("UV_CACHE_DIR=" + options.cache);
  for (const char* line : {"UV_NO_PROGRESS=1", "UV_PYTHON_DOWNLOADS=never", "NO_COLOR=1"})
    environment.emplace_back(line);
  set_unless_given(environment, "UV_SYSTEM_CERTS", "1");
  set_unless_given(environment, "UV_DEFAULT_INDEX", pip_setting("index-url"));
  set_unless_given(environment, "UV_EXTRA_INDEX_URL", pip_setting("extra-index-url"));
  set_unless_given(environment, "UV_FIND_LINKS", existing_links(pip_setting("find-links")));
  set_unless_given(environment, "UV_NO_INDEX", pip_setting("no-index"));
  set_unless_given(environment, "SSL_CERT_FILE", pip_setting("cert"));
  return environment;
}

std::string last_lines(const std::string& output) {
  std::vector<std::string> lines;
  for (std::string_view line : split(output, '\n'))
    if (!trim(line).empty()) lines.emplace_back(line);
  size_t skipped = lines.size() > kErrorLinesMax ? lines.size() - kErrorLinesMax : 0;
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(skipped));
  return join(lines, "\n");
}

// One program of an installation; its output goes to the job's log and, if it fails, the error.
Result<void> run_step(std::vector<std::string> argv, std::vector<std::string> environment,
                      const InstallOptions& options) {
  proc::RunOptions run;
  run.spawn.argv = std::move(argv);
  run.spawn.environment = std::move(environment);
  run.spawn.working_directory = "/";
  run.timeout = kInstallTimeout;
  run.cancelled = options.cancelled;
  run.on_line = options.progress;
  proc::RunOutput ran = TRY(proc::run(std::move(run)));
  if (ran.exit.success()) return success();
  return invalid_argument("the packages could not be installed:\n" + last_lines(ran.output),
                          "EnvironmentBuildFailed");
}

std::string requirements_file(const InstallOptions& options) {
  return options.folder + "/requirements.txt";
}

Result<void> write_requirements(const InstallPlan& plan, const InstallOptions& options) {
  std::string text;
  for (const std::string& line : plan.requirements) text += line + "\n";
  return proc::replace_file(requirements_file(options), text);
}

std::optional<std::string> find_uv() {
  if (std::string given = environment_value("LAZULI_UV"); !given.empty())
    return proc::find_program(given);
  return proc::find_program("uv");
}

Result<void> install_with_uv(const std::string& uv, const InstallPlan& plan,
                             const InstallOptions& options) {
  std::vector<std::string> environment = uv_environment(options);
  TRY(run_step({uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", kPython,
                options.folder},
               environment, options));
  TRY(write_requirements(plan, options));
  if (plan.requirements.empty()) return success();
  std::vector<std::string> argv = {uv,
                                   "pip",
                                   "install",
                                   "--python",
                                   options.folder + "/bin/python3",
                                   "--only-binary",
                                   ":all:",
                                   "-r",
                                   requirements_file(options)};
  if (plan.prereleases) argv.insert(argv.end(), {"--prerelease", "allow"});
  return run_step(std::move(argv), std::move(environment), options);
}

std::vector<std::string> pip_command(const InstallPlan& plan, const InstallOptions& options) {
  std::vector<std::string> argv = {options.folder + "/bin/python3",
                                   "-m",
                                   "pip",
                                   "install",
                                   "--disable-pip-version-check",
                                   "--no-input",
                                   "--progress-bar",
                                   "off",
                                   "--no-compile",
                                   "-r",
                                   requirements_file(options)};
  if (plan.prereleases) argv.emplace_back("--pre");
  return argv;
}

Result<void> make_venv_with_pip(const InstallPlan& plan, const InstallOptions& options) {
  TRY(run_step({kPython, "-m", "venv", options.folder}, own_environment(), options));
  return write_requirements(plan, options);
}

Result<void> install_with_pip(const InstallPlan& plan, const InstallOptions& options) {
  TRY(make_venv_with_pip(plan, options));
  if (plan.requirements.empty()) return success();
  std::vector<std::string> argv = pip_command(plan, options);
  argv.insert(argv.end(), {"--only-binary", ":all:"});
  std::vector<std::string> environment = own_environment();
  environment.push_back("PIP_CACHE_DIR=" + options.cache);
  return run_step(std::move(argv), std::move(environment), options);
}

// Environment variables that tell pip what it would otherwise read from files the sandbox hides.
std::vector<std::string> sandboxed_pip_environment() {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8",
                                          "PIP_NO_CACHE_DIR=1"};
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY",
                           "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"})
    if (std::string value = environment_value(name); !value.empty())
      environment.push_back(cat({name, "=", value}));
  for (const char* key : {"index-url", "extra-index-url", "find-links", "no-index", "cert"})
    if (std::string value = pip_setting(key); !value.empty())
      environment.push_back(cat({pip_variable(key), "=", value}));
  return environment;
}

std::vector<std::string> files_pip_reads() {
  std::vector<std::string> files;
  for (const std::string& value :
       {pip_setting("find-links"), pip_setting("cert"), environment_value("SSL_CERT_FILE"),
        environment_value("REQUESTS_CA_BUNDLE")})
    for (std::string_view path : split(value, ' '))
      if (path.starts_with('/') && file_exists(std::string(path))) files.emplace_back(path);
  return files;
}

// A source archive's build runs code of its author: with the network, but without our files.
Result<void> install_in_sandbox(const InstallPlan& plan, const InstallOptions& options,
                                const Isolation& isolation) {
  TRY(remove_tree(options.folder));
  TRY(make_folder(options.folder));
  TRY(make_venv_with_pip(plan, options));
  std::vector<std::string> argv =
      build_sandbox_command(isolation, options.folder, files_pip_reads());
  for (std::string& word : pip_command(plan, options)) argv.push_back(std::move(word));
  return run_step(std::move(argv), sandboxed_pip_environment(), options);
}

// Jobs see the environment read-only, so they could not keep what they compile. The system's own
// interpreter does it here, without running anything of the environment (-S, -I).
Result<void> compile(const InstallOptions& options) {
  proc::RunOptions run;
  run.spawn.argv = {kPython,
                    "-I",
                    "-S",
                    "-m",
                    "compileall",
                    "-q",
                    "-j",
                    "2",
                    "-x",
                    "/(tests?|testing)/",
                    options.folder + "/lib"};
  run.timeout = kInstallTimeout;
  run.cancelled = options.cancelled;
  TRY(proc::run(std::move(run)));  // files that are no valid Python are none of ours
  return success();
}

bool was_stopped(const Error& error) {
  return error.code == Code::kConflict || error.code == Code::kDeadlineExceeded;
}

}  // namespace

std::optional<std::string> pip_config_value(std::string_view text, std::string_view key) {
  bool ours = false;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with('[')) ours = line == "[global]" || line == "[install]";
    size_t equals = line.find_first_of("=:");
    if (!ours || equals == std::string_view::npos) continue;
    if (iequals(trim(line.substr(0, equals)), key))
      return std::string(trim(line.substr(equals + 1)));
  }
  return {};
}

Result<std::string> system_python_version() {
  proc::RunOptions run;
  run.spawn.argv = {kPython, "-I", "-S", "-c",
                    "import sys; print('%d.%d.%d' % sys.version_info[:3])"};
  proc::RunOutput ran = TRY(proc::run(std::move(run)));
  if (!ran.exit.success()) return unavailable(cat({kPython, " does not run: ", ran.output}));
  return std::string(trim(ran.output));
}

Result<void> install(const InstallPlan& plan, const InstallOptions& options) {
  TRY(make_folder(options.folder));
  TRY(make_folder(options.cache));
  std::optional<std::string> uv = find_uv();
  Result<void> installed =
      uv ? install_with_uv(*uv, plan, options) : install_with_pip(plan, options);
  if (!installed.ok()) {
    if (was_stopped(installed.error())) return installed;
    Isolation isolation = detect_isolation(false);
    if (!isolation.namespaces()) return installed;
    options.progress("no set of ready-made wheels fits; trying to build from source");
    TRY(install_in_sandbox(plan, options, isolation));
  }
  return compile(options);
}

}  // namespace lazuli::compute

// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/requirements.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "codec/yaml.h"

namespace lazuli::compute {
namespace {

constexpr size_t kRequirementsMax = 1000;
constexpr size_t kLineBytesMax = 500;
constexpr std::string_view kRelations = "=!<>~";

bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}
bool is_version_char(char c) { return is_name_char(c) || c == '*' || c == '+' || c == '!'; }
bool all_of(std::string_view text, bool (*is)(char)) {
  return std::all_of(text.begin(), text.end(), is);
}

// A package's name as PEP 508 has it: it begins and ends with a letter or digit.
bool is_name(std::string_view text) {
  auto edge = [](char c) { return is_name_char(c) && c != '-' && c != '_' && c != '.'; };
  return !text.empty() && all_of(text, is_name_char) && edge(text.front()) && edge(text.back());
}

// "==1.2, <3" of PEP 440.
bool is_specifiers(std::string_view text) {
  if (text.empty()) return true;
  for (std::string_view part : split(text, ',')) {
    part = trim(part);
    size_t operator_size = 0;
    while (operator_size < part.size() && kRelations.find(part[operator_size]) != kRelations.npos)
      ++operator_size;
    constexpr std::string_view kOperators[] = {"==", "===", "!=", "<=", ">=", "<", ">", "~="};
    bool known = std::find(std::begin(kOperators), std::end(kOperators),
                           part.substr(0, operator_size)) != std::end(kOperators);
    std::string_view version = trim(part.substr(operator_size));
    if (!known || version.empty() || !all_of(version, is_version_char)) return false;
  }
  return true;
}

bool is_marker(std::string_view text) {
  constexpr std::string_view kOthers = " '\"=<>!()~,";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_name_char(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_extras(std::string_view text) {
  for (std::string_view extra : split(text, ','))
    if (!is_name(trim(extra))) return false;
  return true;
}

// name [extras] specifiers ; marker — without "@ url", which could name any file or host.
bool is_requirement(std::string_view text) {
  size_t semicolon = text.find(';');
  if (semicolon != std::string_view::npos && !is_marker(text.substr(semicolon + 1))) return false;
  text = trim(text.substr(0, semicolon));
  size_t name_end =
      static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_name_char) - text.begin());
  if (!is_name(text.substr(0, name_end))) return false;
  text = trim(text.substr(name_end));
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == std::string_view::npos || !is_extras(text.substr(1, close - 1))) return false;
    text = trim(text.substr(close + 1));
  }
  if (text.size() >= 2 && text.starts_with('(') && text.ends_with(')'))
    text = text.substr(1, text.size() - 2);
  return is_specifiers(text);
}

// pip's comments begin at the line's start or after white space.
std::string_view without_comment(std::string_view line) {
  for (size_t at = 0; at < line.size(); ++at)
    if (line[at] == '#' && (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t'))
      return line.substr(0, at);
  return line;
}

// The line's number in the user's file is found again by its text; YAML forgets it.
std::string quote(std::string_view file, std::string_view entry) {
  size_t number = 0;
  for (std::string_view line : split(file, '\n')) {
    ++number;
    if (line.find(entry) != std::string_view::npos)
      return cat({"line ", std::to_string(number), ": '", trim(line), "'"});
  }
  return cat({"'", entry, "'"});
}

// What is written to the installer's file must stay one line of it.
Result<void> check_line(const InstallPlan& plan, std::string_view line) {
  for (char c : line)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t')
      return invalid_argument("the line holds a line break or a control character");
  if (line.size() > kLineBytesMax) return invalid_argument("the line is too long");
  if (plan.requirements.size() >= kRequirementsMax) return invalid_argument("too many packages");
  return success();
}

Result<void> add_pip_option(InstallPlan& plan, std::string_view line) {
  std::string_view option = line.substr(0, line.find_first_of(" =\t"));
  constexpr std::string_view kIndexes[] = {"--extra-index-url", "--find-links", "-f",
                                           "--trusted-host"};
  if (option == "--pre") {
    plan.prereleases = true;
    return success();
  }
  if (std::find(std::begin(kIndexes), std::end(kIndexes), option) != std::end(kIndexes)) {
    plan.notes.push_back(cat({"'", option,
                              "' is not used: packages come from the index that pip is "
                              "configured for on this machine"}));
    return success();
  }
  if (option == "-r" || option == "--requirement" || option == "-c" || option == "--constraint")
    return invalid_argument("files beside this one are not known here: list their lines instead");
  if (option == "-i" || option == "--index-url")
    return invalid_argument(
        "the package index cannot be chosen by a job; it is configured for pip on this machine");
  return invalid_argument(cat({"pip's option '", option, "' cannot be used here"}));
}

std::vector<std::string> lines_of(const Json& list) {
  std::vector<std::string> lines;
  for (const Json& item : list.items()) lines.push_back(item.text());
  return lines;
}

Error with_line(std::string_view file, std::string_view entry, Error error) {
  error.message = cat({"environment, ", quote(file, entry), ": ", error.message});
  error.wire_code = "InvalidEnvironment";
  return error;
}

Result<void> add_pip_lines(InstallPlan& plan, const std::vector<std::string>& lines,
                           std::string_view file) {
  for (const std::string& line : lines) {
    Result<void> added = add_pip_line(plan, line);
    if (!added.ok()) return with_line(file, trim(line), std::move(added).error());
  }
  return success();
}

Result<void> add_dependencies(InstallPlan& plan, const Json& dependencies, std::string_view file) {
  for (const Json& item : dependencies.items()) {
    if (item.is_object() && item.contains("pip")) {
      TRY(add_pip_lines(plan, lines_of(item["pip"]), file));
      continue;
    }
    Result<void> added = item.is_object() || item.is_array()
                             ? invalid_argument("only 'pip:' may hold a list here")
                             : add_conda_package(plan, item.text());
    std::string entry = item.is_object() ? item.members()[0].key : item.text();
    if (!added.ok()) return with_line(file, entry, std::move(added).error());
  }
  return success();
}

// What every conda environment holds without being asked.
void add_conda_defaults(InstallPlan& plan) {
  plan.requirements.emplace_back("pip");
  bool named = std::any_of(plan.requirements.begin(), plan.requirements.end(),
                           [](const std::string& line) { return line.starts_with("setuptools"); });
  if (!named) plan.requirements.emplace_back("setuptools<81");  // the last with pkg_resources
}

Result<InstallPlan> plan_conda(const Json& file, std::string_view text) {
  InstallPlan plan;
  constexpr std::string_view kKnown[] = {"name", "channels", "dependencies", "prefix"};
  for (const Json::Member& member : file.members())
    if (std::find(std::begin(kKnown), std::end(kKnown), member.key) == std::end(kKnown))
      plan.notes.push_back(cat({"'", member.key, "' of the conda file is not used"}));
  const Json& dependencies = file["dependencies"];
  if (!dependencies.is_array() && !dependencies.is_null())
    return invalid_argument("environment: 'dependencies' of the conda file must be a list",
                            "InvalidEnvironment");
  std::vector<std::string> channels = lines_of(file["channels"]);
  if (!channels.empty())
    plan.notes.push_back(cat({"channels (", join(channels, ", "),
                              ") are not used: packages come from the Python package index"}));
  TRY(add_dependencies(plan, dependencies, text));
  add_conda_defaults(plan);
  return plan;
}

Result<InstallPlan> plan_image(const std::string& image) {
  InstallPlan plan;
  std::optional<CuratedPackages> curated = curated_packages(image);
  // A name of the public registry says nothing of what is in it.
  if (!curated && istarts_with(image, "azureml://registries/"))
    return invalid_argument(cat({"environment: '", image,
                                 "' is not known here; give a conda file that says what it holds"}),
                            "EnvironmentNotFound");
  if (!curated) {
    plan.notes.push_back(cat({"image '", image,
                              "' is not run here and no conda file is given: Python comes with its "
                              "standard library alone"}));
    return plan;
  }
  for (std::string_view line : curated->requirements) plan.requirements.emplace_back(line);
  plan.notes.push_back(
      cat({"image '", image, "' stands for a local set of packages: ", curated->title}));
  return plan;
}

// "=1.26" means 1.26 and what begins with "1.26."; build strings name a conda archive.
Result<std::string> pip_specifiers(std::string_view conda) {
  if (conda.find('|') != std::string_view::npos)
    return invalid_argument("alternatives ('|') cannot be expressed for pip");
  std::vector<std::string> parts;
  for (std::string_view part : split(conda, ',')) {
    part = trim(part);
    if (part.empty() || part == "*") continue;
    bool fuzzy = part.size() > 1 && part[0] == '=' && part[1] != '=';
    bool bare = is_version_char(part[0]);
    if (!fuzzy && !bare) {
      parts.emplace_back(part);
      continue;
    }
    std::string_view version = trim(part.substr(fuzzy ? 1 : 0));
    bool open = fuzzy && !version.ends_with('*');
    parts.push_back(cat({"==", version, open ? ".*" : ""}));
  }
  return join(parts, ",");
}

}  // namespace

std::string InstallPlan::normalized() const {
  std::set<std::string> lines(requirements.begin(), requirements.end());
  std::string text = prereleases ? "prereleases\n" : "";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Result<void> add_pip_line(InstallPlan& plan, std::string_view line) {
  line = trim(without_comment(line));
  if (line.empty()) return success();
  TRY(check_line(plan, line));
  if (line.starts_with('-')) return add_pip_option(plan, line);
  bool elsewhere = line.find("://") != std::string_view::npos || line.find('@') != line.npos ||
                   line.starts_with('.') || line.starts_with('/') || line.starts_with("file:");
  if (elsewhere)
    return invalid_argument("packages come from the package index only, by name and version");
  if (!is_requirement(line)) return invalid_argument("this is no package requirement");
  plan.requirements.emplace_back(line);
  return success();
}

Result<void> add_conda_package(InstallPlan& plan, std::string_view text) {
  text = trim(text);
  TRY(check_line(plan, text));
  if (size_t channel = text.find("::"); channel != std::string_view::npos)
    text = text.substr(channel + 2);
  size_t name_end =
      static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_name_char) - text.begin());
  std::string_view name = text.substr(0, name_end);
  std::string_view version = trim(text.substr(name_end));
  // The build string follows a second '=' ("=1.26.4=py311h…") or a space.
  bool fuzzy = version.size() > 1 && version[0] == '=' && version[1] != '=';
  if (size_t build = version.find('=', 1); fuzzy && build != std::string_view::npos)
    version = version.substr(0, build);
  else if (size_t space = version.find(' '); space != std::string_view::npos)
    version = is_version_char(version[0]) ? version.substr(0, space) : version;
  std::string specifiers = replace_all(TRY(pip_specifiers(version)), " ", "");
  if (!is_name(name) || !is_specifiers(specifiers))
    return invalid_argument("this is no conda package as environments can name it here");
  if (iequals(name, "python")) {
    plan.python_version = specifiers;
    return success();
  }
  if (iequals(name, "pip")) return success();  // always there
  PackageRule rule = package_rule(name);
  if (rule.kind == PackageRule::Kind::kCondaOnly)
    return invalid_argument(
        cat({"'", name, "' exists for conda only and cannot be installed here"}));
  if (rule.kind == PackageRule::Kind::kPartOfSystem) {
    plan.notes.push_back(cat({"'", name, "' is left to the system"}));
    return success();
  }
  if (!iequals(rule.pip_name, name))
    plan.notes.push_back(cat({"'", name, "' is '", rule.pip_name, "' in the package index"}));
  plan.requirements.push_back(rule.pip_name + specifiers);
  return success();
}

Result<InstallPlan> plan_environment(const EnvironmentSpec& spec) {
  if (trim(spec.conda_file).empty()) return plan_image(spec.image);
  Result<Json> file = parse_yaml(spec.conda_file);
  if (file.ok() && file->is_object()) return plan_conda(*file, spec.conda_file);
  InstallPlan plan;  // the lines of a pip requirements file
  std::vector<std::string> lines;
  for (std::string_view line : split(spec.conda_file, '\n')) lines.emplace_back(line);
  Result<void> added = add_pip_lines(plan, lines, spec.conda_file);
  if (added.ok()) return plan;
  if (file.ok()) return std::move(added).error();
  return invalid_argument("environment: " + file.error().message, "InvalidEnvironment");
}

}  // namespace lazuli::compute

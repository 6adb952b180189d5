// SPDX-License-Identifier: Apache-2.0
#include "cli/demo.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/strings.h"
#include "cli/endpoints.h"
#include "cli/jobs.h"
#include "cli/server_commands.h"

namespace lazuli::cli {
namespace {

constexpr double kAccuracyMin = 0.95;
constexpr double kDifferenceMax = 1e-4;

// Prints a stage when it begins and its time when it ends.
class Stage {
 public:
  explicit Stage(std::string_view title) : begin_(SteadyClock::now()) {
    std::printf("  %-44.*s", static_cast<int>(title.size()), title.data());
    std::fflush(stdout);
  }
  void done(const std::string& note = {}) {
    double seconds = std::chrono::duration<double>(SteadyClock::now() - begin_).count();
    std::printf("%8.2f s  %s\n", seconds, note.c_str());
  }

 private:
  SteadyClock::time_point begin_;
};

using Rows = std::vector<std::vector<double>>;

// Numbers of a CSV file with a header line.
Result<Rows> parse_csv(std::string_view text) {
  Rows rows;
  std::vector<std::string_view> lines = split(text, '\n');
  for (size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    std::vector<double>& row = rows.emplace_back();
    for (std::string_view cell : split(trim(lines[i]), ',')) {
      auto number = parse_double(cell);
      if (!number) return invalid_argument(cat({"not a number in a table: '", cell, "'"}));
      row.push_back(*number);
    }
  }
  return rows;
}

Json to_json(const Rows& rows) {
  Json json = Json::array();
  for (const auto& row : rows) json.push_back(Json::array(Json::Array(row.begin(), row.end())));
  return json;
}

// ".../models/NAME/versions/VERSION" → "NAME:VERSION".
std::string name_and_version(std::string_view arm_id) {
  const std::vector<std::string_view> parts = split(arm_id, '/');
  if (parts.size() < 3) return std::string(arm_id);
  return cat({parts[parts.size() - 3], ":", parts.back()});
}

class Demo {
 public:
  Demo(ApiClient& client, std::string folder)
      : client_(client),
        assets_(client),
        jobs_(client),
        endpoints_(client),
        folder_(std::move(folder)) {}

  Result<void> run() {
    std::printf("The main job: breast cancer diagnosis, from a table to checked predictions\n");
    TRY(prepare());
    TRY(train());
    TRY(deploy());
    TRY(check());
    return {};
  }

 private:
  Result<Document> document(std::string_view name) {
    return load_document(cat({folder_, "/", name}));
  }

  Result<void> prepare() {
    Stage environment("register the environment");
    Json made = TRY(assets_.create_environment(TRY(document("environment.yml"))));
    environment.done("breast-cancer:" + made["name"].text());
    for (std::string_view file : {"data-training.yml", "data-heldout.yml"}) {
      Document data = TRY(document(file));
      std::string name = data.yaml["name"].text();
      Stage upload("upload " + name);
      upload.done("version " + TRY(assets_.create_data(data))["name"].text());
    }
    return {};
  }

  Result<void> train() {
    Stage submit("submit the pipeline");
    Json job = TRY(jobs_.create(TRY(document("pipeline.yml"))));
    job_ = job["name"].text();
    submit.done(job_);
    std::printf("    its first run installs the packages of the environment: about a minute\n");
    Stage run("run: prepare, train, register the model");
    std::set<std::string> told;
    Json ended = TRY(jobs_.wait(job_, [&](const Json&, const Json& children) {
      for (const Json& child : children.items()) {
        std::string line = cat({child["displayName"].str(), " ", child["status"].str()});
        if (told.insert(line).second) std::printf("\n    %s", line.c_str());
      }
      std::fflush(stdout);
    }));
    std::string status = ended["properties"]["status"].text();
    std::printf("\n  %-44s", "pipeline");
    run.done(status);
    if (status != "Completed") return failed_job();
    return {};
  }

  // Shows the log of what failed, then the job's own error.
  Result<void> failed_job() {
    Result<Json> streamed = jobs_.stream(job_);
    if (!streamed.ok()) return streamed.error();
    return internal_error(cat({"the job ", job_, " did not complete"}));
  }

  Result<void> deploy() {
    Stage endpoint("create the online endpoint");
    endpoint.done(TRY(endpoints_.create_endpoint(TRY(document("endpoint.yml"))))["name"].text());
    Document file = TRY(document("deployment.yml"));
    endpoint_ = file.yaml["endpoint_name"].text();
    Stage deployment("deploy the ONNX model");
    Json made = TRY(endpoints_.create_deployment(file));
    deployment.done(name_and_version(made["properties"]["model"].str()));
    Stage traffic("give it all traffic");
    TRY(endpoints_.set_traffic(endpoint_, Json::object({{file.yaml["name"].text(), 100}})));
    traffic.done();
    return {};
  }

  Result<void> check() {
    Rows rows = TRY(parse_csv(TRY(read_file(folder_ + "/data/heldout_rows.csv"))));
    Rows labels = TRY(parse_csv(TRY(read_file(folder_ + "/data/heldout_labels.csv"))));
    Stage score(cat({"score ", std::to_string(rows.size()), " held-out rows"}));
    std::string reply =
        TRY(endpoints_.score(endpoint_, Json::object({{"input_data", to_json(rows)}}).dump()));
    score.done();
    Json probabilities = TRY(Json::parse(reply))["probabilities"];
    Rows expected = TRY(parse_csv(TRY(jobs_.read_uri(TRY(jobs_.output_uri(job_, "expected"))))));
    if (probabilities.size() != labels.size() || expected.size() != labels.size())
      return internal_error("the endpoint answered another number of rows than it was asked");
    return compare(probabilities, labels, expected);
  }

  Result<void> compare(const Json& probabilities, const Rows& labels, const Rows& expected) {
    size_t right = 0;
    double difference = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      const Json::Array& row = probabilities.items()[i].items();
      if (row.size() != 2 || expected[i].size() != 2 || labels[i].empty())
        return internal_error("the endpoint's answer has another shape than two probabilities");
      bool benign = row[1].number() > row[0].number();
      right += benign == (labels[i][0] > 0.5);
      for (size_t k = 0; k < 2; ++k)
        difference = std::max(difference, std::abs(row[k].number() - expected[i][k]));
    }
    double accuracy = static_cast<double>(right) / static_cast<double>(labels.size());
    std::printf("\n  accuracy on rows never trained on: %.3f (at least %.2f)\n", accuracy,
                kAccuracyMin);
    std::printf("  largest difference from scikit-learn's own probabilities: %.1e (at most %.0e)\n",
                difference, kDifferenceMax);
    if (accuracy < kAccuracyMin) return internal_error("the accuracy is too low");
    if (!(difference <= kDifferenceMax))
      return internal_error("the endpoint's probabilities are not the model's");
    return {};
  }

  ApiClient& client_;
  AssetUploader assets_;
  JobRunner jobs_;
  EndpointRunner endpoints_;
  std::string folder_, job_, endpoint_;
};

std::string find_examples(const std::string& given) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (!given.empty()) return fs::exists(fs::path(given) / "pipeline.yml", failure) ? given : "";
  fs::path binary = fs::read_symlink("/proc/self/exe", failure);
  for (const fs::path& candidate :
       {binary.parent_path() / "../../../examples/breast_cancer",
        binary.parent_path() / "../share/lazuli/examples/breast_cancer"})
    if (!candidate.empty() && fs::exists(candidate / "pipeline.yml", failure))
      return candidate.lexically_normal().string();
  return {};
}

}  // namespace

int demo(const std::string& data_dir, const std::string& examples) {
  std::string folder = find_examples(examples);
  if (folder.empty())
    return fail(
        not_found(cat({"no pipeline.yml ",
                       examples.empty() ? std::string("beside this binary") : "in " + examples,
                       "; name the example's folder with --examples examples/breast_cancer"})));
  auto client = ApiClient::connect(data_dir);
  if (!client.ok()) return fail(client.error());
  Demo walk(**client, folder);
  if (Result<void> result = walk.run(); !result.ok()) {
    std::printf("\n");
    return fail(result.error());
  }
  std::printf("\nDone.\n");
  return kSuccess;
}

}  // namespace lazuli::cli

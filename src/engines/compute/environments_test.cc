// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "engines/compute/installer.h"
#include "engines/compute/requirements.h"
#include "proc/run.h"

namespace lazuli::compute {
namespace {

Result<InstallPlan> plan(const std::string& conda_file) {
  return plan_environment({"image", conda_file});
}

std::string refusal(const std::string& conda_file) {
  auto planned = plan(conda_file);
  return planned.ok() ? "accepted: " + planned->normalized() : planned.error().message;
}

bool has(const std::vector<std::string>& lines, std::string_view part) {
  for (const std::string& line : lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

TEST(EnvironmentsPlan, ReadsACondaFile) {
  auto planned = plan(R"(
name: model
channels: [conda-forge, defaults]
dependencies:
  - python=3.8
  - numpy=1.26
  - conda-forge::scikit-learn>=1.5,<2
  - pandas==2.2.3
  - scipy=1.14.1=py311h64a7726_0
  - pytorch
  - libgcc-ng
  - pip=23.0
  - pip:
      - mlflow-skinny==3.15.0   # tracking
      - "azureml-mlflow[extra] ~= 1.60 ; python_version >= '3.8'"
      - --extra-index-url https://download.example.org/whl/cpu
)");
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->requirements,
            (std::vector<std::string>{"numpy==1.26.*", "scikit-learn>=1.5,<2", "pandas==2.2.3",
                                      "scipy==1.14.1.*", "torch", "mlflow-skinny==3.15.0",
                                      "azureml-mlflow[extra] ~= 1.60 ; python_version >= '3.8'",
                                      "pip", "setuptools<81"}));
  EXPECT_EQ(planned->python_version, "==3.8.*");
  EXPECT_TRUE(has(planned->notes, "channels (conda-forge, defaults) are not used"));
  EXPECT_TRUE(has(planned->notes, "'pytorch' is 'torch'"));
  EXPECT_TRUE(has(planned->notes, "'libgcc-ng' is left to the system"));
  EXPECT_TRUE(has(planned->notes, "'--extra-index-url' is not used"));
}

TEST(EnvironmentsPlan, ReadsPipRequirements) {
  auto planned = plan("# training\nnumpy==1.26.4\n\npandas\n");
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->requirements, (std::vector<std::string>{"numpy==1.26.4", "pandas"}));
}

TEST(EnvironmentsPlan, QuotesTheLineItCannotInstall) {
  std::string text = refusal("dependencies:\n  - numpy\n  - cudatoolkit=11.3\n");
  EXPECT_NE(text.find("line 3: '- cudatoolkit=11.3'"), std::string::npos) << text;
  EXPECT_NE(text.find("conda only"), std::string::npos) << text;
  EXPECT_NE(refusal("dependencies:\n  - r-base\n").find("line 2"), std::string::npos);
  EXPECT_NE(refusal("dependencies: {a: 1}").find("must be a list"), std::string::npos);
  EXPECT_NE(refusal("dependencies:\n  - numpy\n - x: [").find("environment: "), std::string::npos);
}

TEST(EnvironmentsPlan, RefusesWhatSteersTheInstaller) {
  for (const char* line : {"--index-url https://evil.example/simple",
                           "-i https://evil.example",
                           "-e .",
                           "-r other.txt",
                           "-c limits.txt",
                           "--editable=git+https://x/y",
                           "numpy --index-url=https://evil.example",
                           "numpy @ file:///etc/passwd",
                           "file:///tmp/x.whl",
                           "./local",
                           "/tmp/x.whl",
                           "../x",
                           "git+https://example.org/x.git",
                           "https://example.org/x.whl",
                           "numpy\n-e .",
                           "numpy==$(id)",
                           "--config-settings=a=b",
                           "numpy==1.0 --hash=md5:0",
                           "-",
                           "--",
                           "a b",
                           "numpy\n--index-url https://evil.example",
                           "numpy<\n-e."}) {
    InstallPlan into;
    EXPECT_FALSE(add_pip_line(into, line)) << line;
    EXPECT_TRUE(into.requirements.empty()) << line;
  }
  for (const char* text : {"numpy[version='>=1']", "numpy|pandas", "numpy=1.2|1.3", "../x", "-e",
                           "numpy>=1.0 --index-url=x", "numpy<\n-e.", "numpy<1,\r--no-index"}) {
    InstallPlan into;
    EXPECT_FALSE(add_conda_package(into, text)) << text;
  }
}

TEST(EnvironmentsPlan, KnowsTheImagesOfPublicSamples) {
  for (const char* image :
       {"mcr.microsoft.com/azureml/curated/sklearn-1.5:12", "AzureML-sklearn-1.5",
        "mcr.microsoft.com/azureml/curated/azureml-sklearn-1.5-ubuntu22.04-py311-cpu"}) {
    auto planned = plan_environment({image, ""});
    ASSERT_TRUE(planned);
    EXPECT_TRUE(has(planned->requirements, "scikit-learn==1.5.2")) << image;
    EXPECT_TRUE(has(planned->notes, image));
  }
  auto other = plan_environment({"mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", ""});
  ASSERT_TRUE(other);
  EXPECT_TRUE(other->requirements.empty());
  EXPECT_TRUE(has(other->notes, "standard library alone"));
}

TEST(EnvironmentsPlan, EqualPlansNormalizeEqually) {
  EXPECT_EQ(plan("dependencies: [numpy, pandas]")->normalized(),
            plan("name: other\ndependencies:\n  - pandas\n  - numpy\n")->normalized());
  EXPECT_NE(plan("dependencies: [numpy]")->normalized(),
            plan("dependencies: [numpy=1.26]")->normalized());
}

TEST(EnvironmentsInstall, ReadsPipsConfiguration) {
  std::string text =
      "[list]\nindex-url = https://wrong/\n[global]\n# x\nindex-url=https://a/simple\n";
  EXPECT_EQ(pip_config_value(text, "index-url"), "https://a/simple");
  EXPECT_FALSE(pip_config_value(text, "extra-index-url"));
}

// Packages of our own, so that nothing is fetched: one wheel, and one that exists as source alone.
constexpr const char* kMakePackages = R"(
import io, sys, tarfile
folder = sys.argv[1]
maker = r"""
import os, zipfile
def make(path, name, code):
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
"""
exec(maker)
make(f"{folder}/lazuli_probe-1.0-py3-none-any.whl", "lazuli_probe", "value = 42\n")
# The builder of the second tells what it can reach while it runs.
backend = maker + """
def build_wheel(folder, settings=None, metadata=None):
    reached = [p for p in ("/root", "/home", "/etc/shadow", "/var/lib") if os.path.exists(p)]
    name = "lazuli_built-1.0-py3-none-any.whl"
    make(f"{folder}/{name}", "lazuli_built", f"reached = {reached}")
    return name
"""
project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
with tarfile.open(f"{folder}/lazuli_built-1.0.tar.gz", "w:gz") as archive:
    for name, text in (("backend.py", backend), ("pyproject.toml", project),
                       ("PKG-INFO", "Metadata-Version: 2.1\nName: lazuli-built\nVersion: 1.0\n")):
        entry = tarfile.TarInfo(f"lazuli_built-1.0/{name}")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
)";

class EnvironmentsBuild : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = cat({"/tmp/lazuli-environments-", random_name(10)});
    ASSERT_TRUE(make_folder(folder_ + "/links"));
    ASSERT_TRUE(write_file_durably(folder_ + "/make.py", kMakePackages));
    proc::RunOptions make;
    make.spawn.argv = {"/usr/bin/python3", folder_ + "/make.py", folder_ + "/links"};
    auto made = proc::run(std::move(make));
    ASSERT_TRUE(made && made->exit.success()) << made->output;
    for (const char* prefix : {"PIP_", "UV_"}) {
      ::setenv((std::string(prefix) + "NO_INDEX").c_str(), "1", 1);
      ::setenv((std::string(prefix) + "FIND_LINKS").c_str(), (folder_ + "/links").c_str(), 1);
    }
    environments_ = Environments::create(folder_ + "/environments");
  }
  void TearDown() override {
    for (const char* name :
         {"PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_NO_INDEX", "UV_FIND_LINKS", "LAZULI_UV"})
      ::unsetenv(name);
    (void)remove_tree(folder_);
  }

  Result<BuiltEnvironment> ensure(const std::string& conda_file) {
    return environments_->ensure(
        {"image", conda_file},
        [this](std::string_view line) {
          std::lock_guard lock(mutex_);
          lines_.emplace_back(line);
        },
        [this] { return cancelled_.load(); });
  }
  static std::string python(const BuiltEnvironment& built, const std::string& code) {
    proc::RunOptions run;
    run.spawn.argv = {built.folder + "/bin/python", "-c", code};
    return proc::run(std::move(run))->output;
  }

  std::string folder_;
  std::unique_ptr<Environments> environments_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::atomic<bool> cancelled_ = false;
};

TEST_F(EnvironmentsBuild, BuildsOnceForAllWhoAsk) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::vector<std::string> folders;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      auto built = ensure("lazuli-probe==1.0");
      std::lock_guard lock(mutex);
      folders.push_back(built.ok() ? built->folder : built.error().message);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& folder : folders) EXPECT_EQ(folder, folders[0]);
  int builds = 0;
  for (const std::string& line : lines_) builds += line.starts_with("environment built");
  EXPECT_EQ(builds, 1);
  BuiltEnvironment built{folders[0], {}};
  EXPECT_EQ(python(built, "import lazuli_probe; print(lazuli_probe.value)"), "42\n");
  EXPECT_EQ(python(built, "import sys; print(sys.prefix)"), folders[0] + "\n");

  environments_ = Environments::create(folder_ + "/environments");
  auto began = SteadyClock::now();
  EXPECT_EQ(ensure("lazuli-probe==1.0")->folder, folders[0]);
  EXPECT_LT(SteadyClock::now() - began, std::chrono::seconds(1));
}

TEST_F(EnvironmentsBuild, SaysWhichPackageIsMissing) {
  auto built = ensure("dependencies:\n  - python=2.7\n  - lazuli-absent=3.1\n");
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code, Code::kInvalidArgument);
  EXPECT_NE(built.error().message.find("lazuli-absent"), std::string::npos)
      << built.error().message;
  EXPECT_TRUE(has(lines_, "warning: Python ==2.7.* is asked for"));
}

TEST_F(EnvironmentsBuild, WorksWithPipAlone) {
  ::setenv("LAZULI_UV", "/no/such/uv", 1);
  auto built = ensure("lazuli-probe");
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(python(*built, "import lazuli_probe; print(lazuli_probe.value)"), "42\n");
}

TEST_F(EnvironmentsBuild, BuildsSourcesInASandbox) {
  auto built = ensure("lazuli-built");
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(python(*built, "import lazuli_built; print(lazuli_built.reached)"), "[]\n");
  EXPECT_TRUE(has(lines_, "trying to build from source"));
}

TEST_F(EnvironmentsBuild, BuildsAnewWhatWasInterrupted) {
  auto built = ensure("lazuli-probe");
  ASSERT_TRUE(built) << built.error().message;
  std::filesystem::remove(built->folder + "/READY");
  std::filesystem::remove_all(built->folder + "/bin");
  auto again = ensure("lazuli-probe");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(python(*again, "print(1)"), "1\n");
}

TEST_F(EnvironmentsBuild, StopsWhenCancelled) {
  cancelled_ = true;
  auto built = ensure("lazuli-probe");
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().wire_code, "Cancelled");
}

}  // namespace
}  // namespace lazuli::compute

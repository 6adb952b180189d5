// SPDX-License-Identifier: Apache-2.0
// The images that public samples use without a conda file, by what they are known for: the newest
// packages of the same line that this machine's Python (3.11) has wheels for.
#include <array>
#include <optional>

#include "base/strings.h"
#include "engines/compute/requirements.h"

namespace lazuli::compute {
namespace {

using Requirements = std::vector<std::string_view>;

struct Curated {
  std::string_view prefix;  // of the image's last name, lower case, without "azureml-" and tag
  std::string_view title;
  Requirements (*requirements)();
};

Requirements common() {
  return {"azureml-mlflow==1.60.0",
          "mlflow-skinny<3.18",
          "matplotlib==3.10.8",
          "joblib==1.5.3",
          "psutil==7.2.2",
          "tqdm==4.67.3",
          "pip",
          "setuptools<81"};
}

Requirements with_common(Requirements own) {
  Requirements all = common();
  own.insert(own.end(), all.begin(), all.end());
  return own;
}

Requirements sklearn_1_5() {
  return with_common({"scikit-learn==1.5.2", "numpy==1.26.4", "pandas==2.2.3", "scipy==1.14.1"});
}
Requirements sklearn_old() {
  return with_common({"scikit-learn==1.2.2", "numpy==1.26.4", "pandas==1.5.3", "scipy==1.11.4"});
}
Requirements lightgbm() {
  return with_common({"lightgbm==3.3.5", "scikit-learn==1.2.2", "numpy==1.26.4", "pandas==1.5.3",
                      "scipy==1.11.4", "xgboost==1.7.6"});
}
Requirements tensorflow() {
  return with_common({"tensorflow-cpu==2.16.2", "numpy==1.26.4", "pandas==2.2.3",
                      "scikit-learn==1.5.2", "h5py==3.11.0"});
}
Requirements pytorch_old() {
  return with_common({"torch==2.0.1", "torchvision==0.15.2", "numpy==1.26.4", "pandas==2.2.3",
                      "scikit-learn==1.5.2"});
}
Requirements pytorch() {
  return with_common({"torch==2.2.2", "torchvision==0.17.2", "numpy==1.26.4", "pandas==2.2.3",
                      "scikit-learn==1.5.2", "transformers==4.44.2", "datasets==2.21.0",
                      "accelerate==0.34.2"});
}
Requirements minimal() { return with_common({"numpy==1.26.4"}); }

// The first prefix that fits wins.
constexpr auto kCurated = std::to_array<Curated>({
    {"sklearn-1.5", "scikit-learn 1.5", sklearn_1_5},
    {"sklearn-", "scikit-learn 1.2", sklearn_old},
    {"lightgbm-", "LightGBM 3.3", lightgbm},
    {"tensorflow-", "TensorFlow 2.16", tensorflow},
    {"acpt-pytorch-1", "PyTorch 2.0", pytorch_old},
    {"pytorch-1", "PyTorch 2.0", pytorch_old},
    {"acpt-pytorch-", "PyTorch 2.2", pytorch},
    {"pytorch-", "PyTorch 2.2", pytorch},
    {"minimal-", "Python with MLflow", minimal},
});

// "mcr.microsoft.com/azureml/curated/AzureML-sklearn-1.5:12" → "sklearn-1.5".
std::string short_name(std::string_view image) {
  std::string name = to_lower(image.substr(image.rfind('/') + 1));
  name = name.substr(0, name.find_first_of(":@"));
  if (name.starts_with("azureml-")) name.erase(0, 8);
  return name;
}

}  // namespace

std::optional<CuratedPackages> curated_packages(std::string_view image) {
  std::string name = short_name(image);
  for (const Curated& entry : kCurated)
    if (name.starts_with(entry.prefix)) return CuratedPackages{entry.title, entry.requirements()};
  return {};
}

}  // namespace lazuli::compute

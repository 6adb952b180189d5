// SPDX-License-Identifier: Apache-2.0
// Where conda's names differ from those of the Python package index, and what has no counterpart.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "engines/compute/requirements.h"

namespace lazuli::compute {
namespace {

struct Renamed {
  std::string_view conda;
  std::string_view pip;
};

constexpr auto kRenamed = std::to_array<Renamed>({
    {"blosc", "blosc"},
    {"dask-core", "dask"},
    {"faiss", "faiss-cpu"},
    {"huggingface_hub", "huggingface-hub"},
    {"jpype1", "JPype1"},
    {"lightning", "lightning"},
    {"matplotlib-base", "matplotlib"},
    {"mlflow-skinny", "mlflow-skinny"},
    {"msgpack-python", "msgpack"},
    {"numpy-base", "numpy"},
    {"opencv", "opencv-python-headless"},
    {"pandas-base", "pandas"},
    {"py-lightgbm", "lightgbm"},
    {"py-opencv", "opencv-python-headless"},
    {"py-xgboost", "xgboost"},
    {"py-xgboost-cpu", "xgboost"},
    {"pytables", "tables"},
    {"python-graphviz", "graphviz"},
    {"pytorch", "torch"},
    {"pytorch-cpu", "torch"},
    {"pytorch-gpu", "torch"},
    {"ruamel_yaml", "ruamel.yaml"},
    {"seaborn-base", "seaborn"},
    {"tensorflow-base", "tensorflow"},
    {"tensorflow-cpu", "tensorflow"},
    {"tensorflow-gpu", "tensorflow"},
    {"tensorflow-mkl", "tensorflow"},
    {"torch-cpu", "torch"},
});

// Libraries and choices that an exported conda environment lists and that come with the system or
// inside the wheels.
constexpr auto kPartOfSystem = std::to_array<std::string_view>({
    "_libgcc_mutex",
    "_openmp_mutex",
    "blas",
    "bzip2",
    "ca-certificates",
    "certifi-base",
    "conda",
    "cpuonly",
    "freetype",
    "icu",
    "intel-openmp",
    "jpeg",
    "lcms2",
    "ld_impl_linux-64",
    "libblas",
    "libcblas",
    "libffi",
    "libgcc-ng",
    "libgfortran-ng",
    "libgfortran5",
    "libgomp",
    "liblapack",
    "libnsl",
    "libopenblas",
    "libpng",
    "libprotobuf",
    "libsqlite",
    "libstdcxx-ng",
    "libtiff",
    "libuuid",
    "libuv",
    "libwebp",
    "libwebp-base",
    "libxcrypt",
    "libzlib",
    "lz4-c",
    "mkl",
    "mkl-service",
    "mkl_fft",
    "mkl_random",
    "ncurses",
    "ninja-base",
    "nomkl",
    "openblas",
    "openjpeg",
    "openssl",
    "python_abi",
    "pytorch-cuda",
    "pytorch-mutex",
    "readline",
    "sqlite",
    "tini",
    "tk",
    "tzdata",
    "xz",
    "yaml",
    "zlib",
    "zstd",
});

constexpr auto kCondaOnly = std::to_array<std::string_view>({
    "arrow-cpp",
    "binutils",
    "boost",
    "boost-cpp",
    "c-compiler",
    "compilers",
    "cuda",
    "cudatoolkit",
    "cudatoolkit-dev",
    "cudnn",
    "cupti",
    "cutensor",
    "cxx-compiler",
    "ffmpeg",
    "fortran-compiler",
    "gcc",
    "gcc_linux-64",
    "gdal",
    "gfortran",
    "gfortran_linux-64",
    "git",
    "go",
    "graphviz",
    "gxx",
    "gxx_linux-64",
    "hdf5",
    "libboost",
    "libcusparse",
    "llvm",
    "llvmdev",
    "make",
    "maven",
    "mpi",
    "mpich",
    "nccl",
    "nodejs",
    "openjdk",
    "openmpi",
    "perl",
    "postgresql",
    "proj",
    "r",
    "r-base",
    "rust",
    "tensorrt",
    "wget",
});

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

PackageRule package_rule(std::string_view conda_name) {
  std::string name = to_lower(conda_name);
  auto renamed = std::find_if(kRenamed.begin(), kRenamed.end(),
                              [&](const Renamed& entry) { return entry.conda == name; });
  if (renamed != kRenamed.end()) return {PackageRule::Kind::kPip, std::string(renamed->pip)};
  if (contains(kPartOfSystem, name)) return {PackageRule::Kind::kPartOfSystem, {}};
  bool only = contains(kCondaOnly, name) || name.starts_with("r-") || name.starts_with("cuda-") ||
              name.starts_with("libcu");
  if (only) return {PackageRule::Kind::kCondaOnly, {}};
  return {PackageRule::Kind::kPip, name};
}

}  // namespace lazuli::compute

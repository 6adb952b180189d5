// SPDX-License-Identifier: Apache-2.0
#include "bytes/disk_fake.h"

#include <cstring>

namespace lazuli::bytes {
namespace {

constexpr size_t kSectorSize = 512;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

class FakeFile : public File {
 public:
  FakeFile(std::shared_ptr<FakeDisk> disk, uint64_t epoch,
           std::shared_ptr<FakeDisk::Content> content)
      : disk_(std::move(disk)), epoch_(epoch), content_(std::move(content)) {}

  Result<void> append(std::span<const std::byte> data) override {
    std::lock_guard lock(disk_->mutex_);
    auto begun = disk_->begin_call(epoch_);
    if (begun.ok() && disk_->full_) begun = unavailable("no space left", "ServerBusy");
    size_t count = begun.ok() ? data.size() : data.size() / 2;
    if (disk_->epoch_ == epoch_)
      content_->seen.append(reinterpret_cast<const char*>(data.data()), count);
    return begun;
  }

  Result<void> sync() override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    if (disk_->options_.file_sync_works) content_->durable = content_->seen;
    return {};
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    if (offset >= content_->seen.size()) return size_t{0};
    size_t count = std::min<size_t>(out.size(), content_->seen.size() - offset);
    std::memcpy(out.data(), content_->seen.data() + offset, count);
    return count;
  }

  Result<uint64_t> size() const override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    return content_->seen.size();
  }

 private:
  std::shared_ptr<FakeDisk> disk_;
  uint64_t epoch_;
  std::shared_ptr<FakeDisk::Content> content_;
};

class FakeFileLayer : public FileLayer {
 public:
  FakeFileLayer(std::shared_ptr<FakeDisk> disk, uint64_t epoch)
      : disk_(std::move(disk)), epoch_(epoch) {}

  Result<std::unique_ptr<File>> create(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    FakeDisk::Tree& tree = disk_->seen_;
    if (!tree.folders.contains(parent_of(path))) return not_found(path);
    if (tree.files.contains(path)) return conflict(path);
    tree.files[path] = std::make_shared<FakeDisk::Content>();
    return std::make_unique<FakeFile>(disk_, epoch_, tree.files[path]);
  }

  Result<std::unique_ptr<File>> open(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    auto found = disk_->seen_.files.find(path);
    if (found == disk_->seen_.files.end()) return not_found(path);
    return std::make_unique<FakeFile>(disk_, epoch_, found->second);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    FakeDisk::Tree& tree = disk_->seen_;
    auto found = tree.files.find(from);
    if (found == tree.files.end() || !tree.folders.contains(parent_of(to))) return not_found(from);
    tree.files[to] = found->second;
    tree.files.erase(from);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    if (disk_->seen_.files.erase(path) == 0) return not_found(path);
    return {};
  }

  Result<void> sync_folder(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    FakeDisk::Tree &seen = disk_->seen_, &durable = disk_->durable_;
    if (!seen.folders.contains(path)) return not_found(path);
    if (!disk_->options_.folder_sync_works) return {};
    std::erase_if(durable.files, [&](const auto& file) { return parent_of(file.first) == path; });
    for (const auto& [name, content] : seen.files)
      if (parent_of(name) == path) durable.files[name] = content;
    for (const std::string& folder : seen.folders)
      if (parent_of(folder) == path) durable.folders.insert(folder);
    return {};
  }

  Result<bool> make_folder(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    if (!disk_->seen_.folders.contains(parent_of(path))) return not_found(path);
    return disk_->seen_.folders.insert(path).second;
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::lock_guard lock(disk_->mutex_);
    TRY(disk_->begin_call(epoch_));
    if (!disk_->seen_.folders.contains(path)) return not_found(path);
    std::vector<std::string> names;
    for (const auto& [name, content] : disk_->seen_.files)
      if (parent_of(name) == path) names.push_back(name_of(name));
    for (const std::string& folder : disk_->seen_.folders)
      if (parent_of(folder) == path) names.push_back(name_of(folder));
    return names;
  }

  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    {
      std::lock_guard lock(disk_->mutex_);
      TRY(disk_->begin_call(epoch_));
      disk_->seen_.files.try_emplace(path, std::make_shared<FakeDisk::Content>());
    }
    return open(path);
  }

 private:
  std::shared_ptr<FakeDisk> disk_;
  uint64_t epoch_;
};

FakeDisk::FakeDisk(Options options, const std::string& root)
    : options_(options), random_(static_cast<unsigned>(options.fault_at)) {
  for (std::string at = root; !at.empty(); at = parent_of(at)) seen_.folders.insert(at);
  durable_.folders = seen_.folders;
}

std::unique_ptr<FileLayer> FakeDisk::mount() {
  std::lock_guard lock(mutex_);
  return std::make_unique<FakeFileLayer>(shared_from_this(), epoch_);
}

Result<void> FakeDisk::begin_call(uint64_t epoch) {
  if (epoch != epoch_ || !power_) return internal_error("the power is off");
  ++calls_;
  if (options_.fault == Fault::kNone || calls_ != options_.fault_at) return {};
  if (options_.fault == Fault::kPowerCut) power_ = false;
  return internal_error("input/output error");
}

void FakeDisk::cut_power() {
  std::lock_guard lock(mutex_);
  power_ = false;
}

void FakeDisk::set_full(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

bool FakeDisk::fault_reached() const {
  std::lock_guard lock(mutex_);
  return calls_ >= options_.fault_at;
}

void FakeDisk::restart(Loss loss) {
  std::lock_guard lock(mutex_);
  ++epoch_;
  power_ = true;
  options_.fault = Fault::kNone;
  if (loss == Loss::kNothing) return;
  bool some = loss != Loss::kAllUnsynced;
  Tree survives = durable_;
  for (const auto& [path, content] : seen_.files)
    if (some && !lost_in_part()) survives.files[path] = content;
  for (const auto& [path, content] : durable_.files)
    if (some && !seen_.files.contains(path) && !lost_in_part()) survives.files.erase(path);
  for (const std::string& folder : seen_.folders)
    if (some && !lost_in_part()) survives.folders.insert(folder);
  for (auto& [path, content] : survives.files) {
    content->durable = survivor_of(*content, loss);
    content->seen = content->durable;
  }
  seen_ = std::move(survives);
  drop_orphans();
  durable_ = seen_;
}

// Content only grows, so what was synced is a prefix of what is seen.
std::string FakeDisk::survivor_of(const Content& content, Loss loss) {
  const size_t synced = std::min(content.seen.size(), content.durable.size());
  const size_t extra = content.seen.size() - synced;
  if (loss == Loss::kAllUnsynced || extra == 0) return content.durable;
  std::string survivor = content.seen.substr(0, synced + random_() % (extra + 1));
  if (loss != Loss::kTornUnsynced) return survivor;
  for (size_t at = synced; at < survivor.size(); at += kSectorSize - at % kSectorSize) {
    const size_t end = std::min(survivor.size(), at + kSectorSize - at % kSectorSize);
    if (lost_in_part()) survivor.replace(at, end - at, end - at, '\0');
  }
  return survivor;
}

void FakeDisk::damage(const std::string& path, uint64_t offset, unsigned char bits) {
  std::lock_guard lock(mutex_);
  Content& content = *seen_.files.at(path);
  content.seen.at(offset) = static_cast<char>(content.seen.at(offset) ^ bits);
  if (offset < content.durable.size()) content.durable[offset] = content.seen[offset];
}

uint64_t FakeDisk::size_of(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return seen_.files.at(path)->seen.size();
}

void FakeDisk::drop_orphans() {
  auto lost = [&](const std::string& path) {
    for (std::string at = parent_of(path); !at.empty(); at = parent_of(at))
      if (!seen_.folders.contains(at)) return true;
    return false;
  };
  std::erase_if(seen_.files, [&](const auto& file) { return lost(file.first); });
  std::erase_if(seen_.folders, lost);
}

std::vector<std::string> FakeDisk::files_below(const std::string& folder) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, content] : seen_.files)
    if (is_below(path, folder)) paths.push_back(path);
  return paths;
}

}  // namespace lazuli::bytes

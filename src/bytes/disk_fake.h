// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bytes/file_layer.h"

namespace lazuli::bytes {

// A disk in memory that keeps two states: what processes see, and what survives a power cut.
// Content survives once its file was synced, an entry once its folder was, and nothing below a lost
// folder does. For tests; thread-safe.
class FakeDisk : public std::enable_shared_from_this<FakeDisk> {
 public:
  enum class Fault {
    kNone,
    kPowerCut,  // the chosen call does not happen, and no later one does (an append happens in
                // part)
    kError,     // the chosen call fails, the others work; a sync that failed has lost its changes
  };
  enum class Loss {
    kNothing,
    kAllUnsynced,
    kSomeUnsynced,
    kTornUnsynced,  // some, and of what was appended any sector may be lost before others that stay
  };
  struct Options {
    Fault fault = Fault::kNone;
    uint64_t fault_at = 0;  // which call, counted from 1
    bool file_sync_works = true;
    bool folder_sync_works = true;  // if not, they claim success and do nothing
  };

  static constexpr char kRoot[] = "/disk";  // a folder that is always there

  explicit FakeDisk(Options options, const std::string& root = kRoot);

  // A process' view. Views made before a restart fail all their calls after it.
  std::unique_ptr<FileLayer> mount();
  // The machine stops, loses what it loses, and comes up again without further faults.
  void restart(Loss loss);

  void cut_power();          // no call succeeds from now on
  void set_full(bool full);  // while it is, an append happens in part and fails

  // Flips bits of a byte, as a disk that ages does.
  void damage(const std::string& path, uint64_t offset, unsigned char bits);
  uint64_t size_of(const std::string& path) const;

  bool fault_reached() const;
  std::vector<std::string> files_below(const std::string& folder) const;

 private:
  friend class FakeFile;
  friend class FakeFileLayer;
  struct Content {
    std::string seen;
    std::string durable;
  };
  struct Tree {
    std::map<std::string, std::shared_ptr<Content>> files;
    std::set<std::string> folders;
  };

  // Starts a call of the view of `epoch`: counts it, and fails it if it is its turn.
  Result<void> begin_call(uint64_t epoch);
  bool lost_in_part() { return random_() % 2 == 0; }
  void drop_orphans();
  std::string survivor_of(const Content& content, Loss loss);

  mutable std::mutex mutex_;
  Options options_;
  std::minstd_rand random_;
  uint64_t calls_ = 0;
  uint64_t epoch_ = 0;
  bool power_ = true;
  bool full_ = false;
  Tree seen_;
  Tree durable_;
  std::set<std::string> locks_;
};

}  // namespace lazuli::bytes

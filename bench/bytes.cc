// SPDX-License-Identifier: Apache-2.0
// Stored bytes: durable small and large objects, encrypted, beside bare file-system loops on the
// same disk in the same run; then the start with many objects.
//
// usage: bench_bytes [DIRECTORY] [OBJECTS]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/time.h"
#include "bytes/bytes.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

namespace fs = std::filesystem;

constexpr auto kTime = std::chrono::seconds(3);
constexpr size_t kSmall = 4096;
constexpr size_t kLarge = 100u << 20;
constexpr size_t kPiece = 256u << 10;
constexpr int kClients = 32;

double seconds_since(SteadyClock::time_point then) {
  return std::chrono::duration<double>(SteadyClock::now() - then).count();
}

struct Figures {
  double per_second = 0, p50_us = 0, p99_us = 0;
};

// Calls `work` from `clients` threads until the time is over.
template <typename Work>
Figures measure(int clients, Work work) {
  std::vector<std::vector<double>> latencies(static_cast<size_t>(clients));
  std::vector<std::thread> threads;
  const auto started = SteadyClock::now();
  for (size_t client = 0; client < latencies.size(); ++client)
    threads.emplace_back([&, client] {
      for (auto before = SteadyClock::now(); before - started < kTime;) {
        work(client);
        const auto after = SteadyClock::now();
        latencies[client].push_back(
            std::chrono::duration<double, std::micro>(after - before).count());
        before = after;
      }
    });
  for (auto& thread : threads) thread.join();
  const double seconds = seconds_since(started);
  std::vector<double> all;
  for (auto& mine : latencies) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  auto at = [&](double share) {
    return all[static_cast<size_t>(share * static_cast<double>(all.size() - 1))];
  };
  return {static_cast<double>(all.size()) / seconds, at(0.5), at(0.99)};
}

void print(const std::string& what, const Figures& f, double megabytes = 0) {
  std::printf("%-52s %9.0f/s   p50 %8.0f us   p99 %8.0f us", what.c_str(), f.per_second, f.p50_us,
              f.p99_us);
  if (megabytes > 0) std::printf("   %6.0f MB/s", f.per_second * megabytes);
  std::printf("\n");
  std::fflush(stdout);
}

int open_checked(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  return fd;
}

void write_file(const std::string& path, const std::string& piece, size_t size) {
  const int fd = open_checked(path, O_WRONLY | O_CREAT | O_TRUNC);
  for (size_t done = 0; done < size; done += piece.size())
    CHECK(::write(fd, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
  CHECK(::fdatasync(fd) == 0);
  ::close(fd);
}

void bench_bare(const fs::path& folder) {
  fs::create_directories(folder);
  const std::string small(kSmall, 'x'), piece(kPiece, 'y');
  std::atomic<int> number{0};
  const int parent = open_checked(folder, O_RDONLY | O_DIRECTORY);
  print("bare: file, fsync, rename, fsync folder; 32 clients", measure(kClients, [&](size_t) {
          const std::string path = folder / std::to_string(++number);
          write_file(path, small, kSmall);
          CHECK(::rename(path.c_str(), (path + ".done").c_str()) == 0);
          CHECK(::fsync(parent) == 0);
        }));
  std::string thirty_two;
  for (int i = 0; i < kClients; ++i) thirty_two += small;
  const int log = open_checked(folder / "log", O_WRONLY | O_CREAT | O_APPEND);
  Figures appended = measure(1, [&](size_t) {
    CHECK(::write(log, thirty_two.data(), thirty_two.size()) > 0);
    CHECK(::fdatasync(log) == 0);
  });
  appended.per_second *= kClients;
  print("bare: append 32 x 4 KiB, fdatasync; objects", appended);
  for (int clients : {1, 2})
    print("bare: 100 MiB file, fdatasync; " + std::to_string(clients) + " clients",
          measure(clients,
                  [&](size_t client) {
                    write_file(folder / ("large" + std::to_string(client)), piece, kLarge);
                  }),
          kLarge / 1e6);
  std::string buffer(kPiece, '\0');
  print("bare: read the 100 MiB file",
        measure(1,
                [&](size_t) {
                  const int fd = open_checked(folder / "large0", O_RDONLY);
                  while (::read(fd, buffer.data(), buffer.size()) > 0) continue;
                  ::close(fd);
                }),
        kLarge / 1e6);
  ::close(log);
  ::close(parent);
}

void put_large(Store& store, const std::string& piece, const WriteOptions& options) {
  auto writer = *store.create(options);
  for (size_t done = 0; done < kLarge; done += piece.size())
    CHECK(writer->append(std::as_bytes(std::span(piece))).ok());
  auto info = writer->finish();
  CHECK(info.ok() && store.remove(info->id).ok());
}

void read_all(Store& store, const ObjectId& id, std::string& buffer) {
  auto reader = *store.open(id);
  for (uint64_t at = 0; at < reader->size();)
    at += *reader->read(at, std::as_writable_bytes(std::span(buffer)));
}

void bench_store(const std::string& folder, const SecretBytes& key) {
  auto store = *open_local(folder, key.clone());
  const std::string small(kSmall, 'x'), piece(kPiece, 'y');
  std::vector<ObjectId> ids(kClients);
  for (int clients : {1, kClients})
    print("put 4 KiB; " + std::to_string(clients) + " clients",
          measure(clients, [&](size_t client) {
            auto info = store->put(small);
            CHECK(info.ok());
            ids[client] = info->id;
          }));
  print("get 4 KiB; 32 clients",
        measure(kClients, [&](size_t client) { CHECK(store->get(ids[client], kSmall).ok()); }));
  for (int clients : {1, 2}) {
    const std::string suffix = "; " + std::to_string(clients) + " clients";
    print("put and remove 100 MiB" + suffix,
          measure(clients,
                  [&](size_t) { put_large(*store, piece, {.sha256 = false, .md5 = false}); }),
          kLarge / 1e6);
    print("put and remove 100 MiB, MD5" + suffix,
          measure(clients, [&](size_t) { put_large(*store, piece, {.sha256 = false}); }),
          kLarge / 1e6);
  }
  print("put and remove 100 MiB, MD5 and SHA-256; 1 clients",
        measure(1, [&](size_t) { put_large(*store, piece, {.sha256 = true}); }), kLarge / 1e6);
  auto writer = *store->create({.sha256 = false, .md5 = false});
  for (size_t done = 0; done < kLarge; done += piece.size())
    CHECK(writer->append(std::as_bytes(std::span(piece))).ok());
  const ObjectId large = writer->finish()->id;
  for (int clients : {1, 2})
    print("get 100 MiB; " + std::to_string(clients) + " clients",
          measure(clients,
                  [&](size_t) {
                    std::string buffer(kPiece, '\0');
                    read_all(*store, large, buffer);
                  }),
          kLarge / 1e6);
}

double resident_mb() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

void bench_start(const std::string& folder, const SecretBytes& key, int objects) {
  const auto made = SteadyClock::now();
  {
    auto store = *open_local(folder, key.clone());
    std::atomic<int> left{objects};
    std::vector<std::thread> threads;
    for (int t = 0; t < 256; ++t)
      threads.emplace_back([&] {
        while (left-- > 0) CHECK(store->put(std::string_view("a small object")).ok());
      });
    for (auto& thread : threads) thread.join();
  }
  std::printf("%-52s %9.0f/s\n", "put small objects; 256 clients", objects / seconds_since(made));
  const double before = resident_mb();
  const auto started = SteadyClock::now();
  auto store = open_local(folder, key.clone());
  CHECK(store.ok());
  std::printf("open with %d objects: %.0f ms, %.0f MB more memory\n", objects,
              seconds_since(started) * 1e3, resident_mb() - before);
  const auto checked = SteadyClock::now();
  auto report = (*store)->check();
  CHECK(report.ok() && report->findings.empty());
  std::printf("check of %llu objects: %.1f s\n", static_cast<unsigned long long>(report->objects),
              seconds_since(checked));
}

}  // namespace
}  // namespace lazuli::bytes

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(argc > 1 ? argv[1] : ".") / "bench_bytes.tmp";
  const int objects = argc > 2 ? std::stoi(argv[2]) : 100'000;
  fs::remove_all(folder);
  fs::create_directories(folder);
  const lazuli::SecretBytes key = lazuli::crypto::random_secret(32);
  lazuli::bytes::bench_bare(folder / "bare");
  lazuli::bytes::bench_store(folder / "store", key);
  lazuli::bytes::bench_start(folder / "many", key, objects);
  fs::remove_all(folder);
}

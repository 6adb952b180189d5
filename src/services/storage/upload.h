// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "bytes/bytes.h"
#include "http/server.h"

namespace lazuli::storage {

// A finished object no blob refers to yet. Unless kept, it is removed again when this goes away;
// what a crash leaves behind is found by the collection at the next start.
class StagedObject {
 public:
  StagedObject(bytes::Store& store, bytes::ObjectInfo info)
      : store_(&store), info_(std::move(info)) {}
  StagedObject(StagedObject&& other) noexcept;
  StagedObject& operator=(StagedObject&&) = delete;
  ~StagedObject();

  const bytes::ObjectInfo& info() const { return info_; }
  void keep() { store_ = nullptr; }

 private:
  bytes::Store* store_;  // null: not ours to remove
  bytes::ObjectInfo info_;
};

// Receives a request body into the byte store as it arrives, encrypted and hashed on the way.
class UploadSink : public http::BodySink {
 public:
  UploadSink(bytes::Store& store, std::unique_ptr<bytes::Writer> writer)
      : store_(store), writer_(std::move(writer)) {}
  Result<void> append(std::span<const std::byte> data) override { return writer_->append(data); }
  // Once; durable when it returns.
  Result<StagedObject> finish();

 private:
  bytes::Store& store_;
  std::unique_ptr<bytes::Writer> writer_;
};

// Stages the content of memory or of a regular file (never through a symbolic link).
Result<StagedObject> stage_content(bytes::Store& store, std::string_view content);
Result<StagedObject> stage_file(bytes::Store& store, const std::string& path);

}  // namespace lazuli::storage

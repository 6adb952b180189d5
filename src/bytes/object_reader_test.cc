// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_reader.h"

#include <gtest/gtest.h>

#include "bytes/object_sealer.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr char kId[] = "00112233445566778899aabbccddeeff";
constexpr char kOtherId[] = "ffeeddccbbaa99887766554433221100";

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 2654435761u) >> 13);
  return out;
}

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class BytesImage : public ::testing::Test {
 protected:
  std::string image_of(std::string_view content, std::string_view id = kId) {
    ObjectSealer sealer(wrapping_, id);
    sealer.add(bytes(content));
    sealer.finish();
    const auto image = sealer.take();
    return {reinterpret_cast<const char*>(image.data()), image.size()};
  }
  Result<std::unique_ptr<Reader>> open(const std::string& image) {
    return open_image([this](std::string_view name) { return find(name); }, kId,
                      {image.size(), [image](uint64_t offset, std::span<std::byte> out) {
                         const size_t count = std::min<size_t>(
                             out.size(), image.size() - std::min<size_t>(image.size(), offset));
                         std::memcpy(out.data(), image.data() + offset, count);
                         return Result<size_t>(count);
                       }});
  }
  Result<std::string> read(const std::string& image) {
    auto reader = TRY(open(image));
    std::string out(reader->size(), '\0');
    out.resize(TRY(reader->read(0, std::as_writable_bytes(std::span(out)))));
    return out;
  }
  std::string wire_code(const std::string& image) {
    auto content = read(image);
    return content.ok() ? "ok" : content.error().wire_code;
  }

  Result<WrappingKey> find(std::string_view name) {
    if (name != wrapping_.name) return permission_denied("no such key", "KeyRevoked");
    return wrapping_;
  }

  WrappingKey wrapping_{std::string(16, 'w'),
                        std::make_shared<const SecretBytes>(crypto::random_secret(32))};
};

TEST_F(BytesImage, AnyChangedByteIsRefused) {
  const std::string content = pattern(300), good = image_of(content);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x40;
    const bool is_key_name = i >= 16 && i < 32;
    ASSERT_EQ(wire_code(bad), is_key_name ? "KeyRevoked" : "DataCorruption") << i;
  }
  EXPECT_EQ(*read(good), content);
}

TEST_F(BytesImage, TheFirstVersionIsStillRead) {
  wrapping_.name.clear();
  const std::string content = pattern(2 * kChunkSize + 9), image = image_of(content);
  EXPECT_EQ(image.substr(0, 8), std::string_view("LAZOBJ\0\1", 8));
  EXPECT_EQ(*read(image), content);
  std::string later = image;
  later[7] = 2;
  EXPECT_NE(wire_code(later), "ok");
}

TEST_F(BytesImage, ChangedChunksAreRefusedAndTheOthersStillRead) {
  const std::string content = pattern(3 * kChunkSize + 5);
  std::string bad = image_of(content);
  bad[kHeaderSize + kSealedChunkSize + 100] ^= 1;
  auto reader = *open(bad);
  std::string out(10, '\0');
  auto space = std::as_writable_bytes(std::span(out));
  EXPECT_EQ(*reader->read(0, space), 10u);
  EXPECT_EQ(reader->read(kChunkSize - 5, space).error().wire_code, "DataCorruption");
  EXPECT_EQ(reader->read(kChunkSize, space).error().wire_code, "DataCorruption");
  EXPECT_EQ(*reader->read(2 * kChunkSize, space), 10u);
  EXPECT_EQ(out, content.substr(2 * kChunkSize, 10));
}

TEST_F(BytesImage, MovedRepeatedAndMissingChunksAreRefused) {
  const std::string good = image_of(pattern(4 * kChunkSize));
  auto chunk = [&](size_t n) {
    return good.substr(kHeaderSize + n * kSealedChunkSize, kSealedChunkSize);
  };
  const std::string header = good.substr(0, kHeaderSize);
  for (const std::string& body :
       {chunk(1) + chunk(0) + chunk(2) + chunk(3), chunk(0) + chunk(0) + chunk(2) + chunk(3),
        chunk(0) + chunk(2) + chunk(3), chunk(0) + chunk(1) + chunk(2), chunk(0), chunk(3),
        chunk(0) + chunk(1) + chunk(3) + chunk(2), good.substr(kHeaderSize) + chunk(3)})
    EXPECT_EQ(wire_code(header + body), "DataCorruption");
}

TEST_F(BytesImage, EveryTruncationAndExtensionIsRefused) {
  const std::string good = image_of(pattern(kChunkSize + 200));
  for (size_t size = 0; size < good.size();
       size += size < 400 || size > good.size() - 400 ? 1 : 997)
    ASSERT_EQ(wire_code(good.substr(0, size)), "DataCorruption") << size;
  for (size_t more : {size_t{1}, size_t{16}, kSealedChunkSize})
    EXPECT_EQ(wire_code(good + std::string(more, '\0')), "DataCorruption");
}

TEST_F(BytesImage, AnImageOfAnotherObjectIsRefused) {
  const std::string one = image_of("one"), two = image_of("two"),
                    foreign = image_of("one", kOtherId);
  EXPECT_EQ(*read(two), "two");
  EXPECT_EQ(wire_code(foreign), "DataCorruption");
  EXPECT_EQ(wire_code(two.substr(0, kHeaderSize) + one.substr(kHeaderSize)), "DataCorruption");
}

}  // namespace
}  // namespace lazuli::bytes

// SPDX-License-Identifier: Apache-2.0
#include "core/s3.h"

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "http/url.h"

namespace lazuli::core {
namespace {

using bytes::ObjectService;

constexpr size_t kConnectionsMax = 32;
constexpr auto kConnectionWait = std::chrono::seconds(60);
constexpr uint64_t kResponseMax = 256u << 20;

// What a call is about; its parts are put together and signed for each attempt.
struct Call {
  http::Method method = http::Method::kGet;
  std::string key;        // empty: the bucket itself
  QueryItems query = {};  // in the order of their names
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};
};

bool may_pass(int status) { return status == 429 || status >= 500; }

// The service's own words: <Error><Code>…</Code><Message>…</Message></Error>.
Error error_of(const Call& call, const http::Response& response) {
  std::string what = cat({"the object service answered ", std::to_string(response.status), " to ",
                          to_string(call.method), " ", call.key});
  const auto xml = parse_xml(response.text());
  if (xml.ok()) what = cat({what, ": ", xml->child_text("Code"), " ", xml->child_text("Message")});
  if (response.status == 404) return not_found(what);
  if (response.status == 409 || response.status == 412) return conflict(what);
  if (may_pass(response.status)) return unavailable(what, "ServerBusy");
  return internal_error(what, "ObjectServiceRefused");
}

// Connections that are free, and how many there may be. Thread-safe.
class Connections {
 public:
  explicit Connections(http::ClientOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<http::Client>> take() {
    std::unique_lock lock(mutex_);
    const bool free = changed_.wait_for(lock, kConnectionWait,
                                        [&] { return !free_.empty() || out_ < kConnectionsMax; });
    if (!free) return unavailable("too many calls of the object service at once", "ServerBusy");
    ++out_;
    if (!free_.empty()) {
      auto client = std::move(free_.back());
      free_.pop_back();
      return client;
    }
    lock.unlock();
    auto client = http::Client::create(options_);
    if (!client.ok()) put_back(nullptr);
    return client;
  }

  void put_back(std::unique_ptr<http::Client> client) {
    {
      std::lock_guard lock(mutex_);
      --out_;
      if (client != nullptr) free_.push_back(std::move(client));
    }
    changed_.notify_one();
  }

 private:
  const http::ClientOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<http::Client>> free_;
  size_t out_ = 0;
};

class S3 : public ObjectService {
 public:
  S3(S3Options options, http::Url url)
      : options_(std::move(options)), url_(std::move(url)), connections_(client_options()) {}

  Result<void> put(const std::string& key, std::string_view content, If condition) override {
    Call call{http::Method::kPut, key};
    call.body = content;
    if (condition == If::kAbsent) call.headers.emplace_back("If-None-Match", "*");
    TRY(send(call, {200, 201, 204}));
    return {};
  }

  Result<Part> get(const std::string& key, uint64_t offset, uint64_t size) override {
    Call call{http::Method::kGet, key};
    call.headers.emplace_back(
        "Range", cat({"bytes=", std::to_string(offset), "-", std::to_string(offset + size - 1)}));
    http::Response response = TRY(send(call, {200, 206, 416}));
    if (response.status == 416) return empty_part(key, offset);
    Part part;
    part.content = std::move(std::get<std::string>(response.body));
    part.total = part.content.size();
    if (response.status == 200) {  // all of it
      part.content.erase(0, static_cast<size_t>(std::min<uint64_t>(offset, part.content.size())));
      part.content.resize(static_cast<size_t>(std::min<uint64_t>(size, part.content.size())));
      return part;
    }
    const std::string_view range = response.headers.get_or("content-range", "");
    const auto total = parse_int(range.substr(std::min(range.size(), range.find('/') + 1)));
    if (!total || *total < 0)
      return internal_error("the object service answered without a size", "ObjectServiceRefused");
    part.total = static_cast<uint64_t>(*total);
    return part;
  }

  Result<void> remove(const std::string& key) override {
    TRY(send({http::Method::kDelete, key}, {200, 202, 204, 404}));
    return {};
  }

  Result<void> list(const std::string& prefix,
                    const std::function<Result<void>(const std::string&)>& visit) override {
    std::string token;
    do {
      Call call;
      if (!token.empty()) call.query.emplace_back("continuation-token", token);
      call.query.emplace_back("list-type", "2");
      call.query.emplace_back("prefix", prefix);
      const http::Response response = TRY(send(call, {200}));
      const XmlElement xml = TRY(parse_answer(response));
      for (const XmlElement& each : xml.children)
        if (each.name == "Contents") TRY(visit(std::string(each.child_text("Key"))));
      const std::string before = std::exchange(token, next_of(xml, "NextContinuationToken"));
      if (!token.empty() && token == before) return repeats_itself();
    } while (!token.empty());
    return {};
  }

  Result<std::string> begin_upload(const std::string& key) override {
    const http::Response response = TRY(send({http::Method::kPost, key, {{"uploads", ""}}}, {200}));
    const XmlElement xml = TRY(parse_answer(response));
    const std::string id(xml.child_text("UploadId"));
    if (id.empty())
      return internal_error("the object service began no upload", "ObjectServiceRefused");
    return id;
  }

  Result<std::string> put_part(const std::string& key, const std::string& upload, int number,
                               std::string_view content) override {
    Call call{http::Method::kPut, key};
    call.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
    call.body = content;
    const http::Response response = TRY(send(call, {200}));
    return std::string(response.headers.get_or("etag", ""));
  }

  // A completion may fail after its status was sent: then the body says so.
  Result<void> complete_upload(const std::string& key, const std::string& upload,
                               const std::vector<std::string>& parts) override {
    XmlElement xml("CompleteMultipartUpload");
    for (size_t i = 0; i < parts.size(); ++i) {
      XmlElement& part = xml.add("Part");
      part.add("PartNumber", std::to_string(i + 1));
      part.add("ETag", parts[i]);
    }
    const std::string body = dump_xml(xml);
    Call call{http::Method::kPost, key, {{"uploadId", upload}}};
    call.body = body;
    auto response = send(call, {200});
    // An attempt of before may have done it, and its answer been lost.
    if (!response.ok() && response.error().code == Code::kNotFound && get(key, 0, 1).ok())
      return {};
    if (!response.ok()) return std::move(response).error();
    const auto answer = parse_xml(response->text());
    if (answer.ok() && answer->name == "Error") return error_of(call, *response);
    return {};
  }

  Result<void> abort_upload(const std::string& key, const std::string& upload) override {
    TRY(send({http::Method::kDelete, key, {{"uploadId", upload}}}, {200, 204, 404}));
    return {};
  }

  Result<std::vector<Upload>> list_uploads(const std::string& prefix) override {
    std::vector<Upload> uploads;
    std::string key_marker, id_marker;
    do {
      Call call;
      if (!key_marker.empty()) call.query.emplace_back("key-marker", key_marker);
      call.query.emplace_back("prefix", prefix);
      if (!id_marker.empty()) call.query.emplace_back("upload-id-marker", id_marker);
      call.query.emplace_back("uploads", "");
      const http::Response response = TRY(send(call, {200}));
      const XmlElement xml = TRY(parse_answer(response));
      for (const XmlElement& each : xml.children)
        if (each.name == "Upload")
          uploads.push_back({std::string(each.child_text("Key")),
                             std::string(each.child_text("UploadId")),
                             parse_iso8601(each.child_text("Initiated")).value_or(now())});
      const auto before = std::pair(key_marker, id_marker);
      key_marker = next_of(xml, "NextKeyMarker");
      id_marker = next_of(xml, "NextUploadIdMarker");
      if (!key_marker.empty() && before == std::pair(key_marker, id_marker))
        return repeats_itself();
    } while (!key_marker.empty());
    return uploads;
  }

 private:
  http::ClientOptions client_options() const {
    http::ClientOptions client;
    client.ca_file = options_.ca_file;
    client.timeout = options_.timeout;
    client.response_bytes_max = kResponseMax;
    return client;
  }

  // Where a list goes on; empty at its end.
  static std::string next_of(const XmlElement& xml, std::string_view marker) {
    return xml.child_text("IsTruncated") == "true" ? std::string(xml.child_text(marker)) : "";
  }
  static Error repeats_itself() {
    return internal_error("the object service's list goes in circles", "ObjectServiceRefused");
  }

  // Of an empty object no range can be had.
  Result<Part> empty_part(const std::string& key, uint64_t offset) {
    if (offset > 0) return invalid_argument("the range begins behind the object's end");
    const http::Response response = TRY(send({http::Method::kGet, key}, {200}));
    return Part{response.text(), response.text().size()};
  }

  static Result<XmlElement> parse_answer(const http::Response& response) {
    auto xml = parse_xml(response.text());
    if (!xml.ok())
      return internal_error("the object service answered what is no XML", "ObjectServiceRefused");
    return xml;
  }

  http::ClientRequest make_request(const Call& call) const {
    std::string target =
        cat({"/", url_encode(options_.bucket), "/", url_encode(call.key, /*keep_slash=*/true)});
    char separator = '?';
    for (const auto& [name, value] : call.query) {
      target += cat({{&separator, 1}, url_encode(name), "=", url_encode(value)});
      separator = '&';
    }
    http::ClientRequest request;
    request.method = call.method;
    request.url = cat({url_.tls ? "https://" : "http://", url_.text, target});
    request.body = call.body;
    for (const auto& [name, value] : call.headers) request.headers.set(name, value);
    sign_s3(request, url_.text, target,
            {options_.access_key, options_.region, &options_.secret_key, now()});
    return request;
  }

  // Calls can be repeated: contents never change, and what is gone may be removed again.
  Result<http::Response> send(const Call& call, std::initializer_list<int> wanted) {
    for (int attempt = 1;; ++attempt) {
      auto response = send_once(call);
      if (response.ok() &&
          std::find(wanted.begin(), wanted.end(), response->status) != wanted.end())
        return response;
      const bool passing = !response.ok() || may_pass(response->status);
      if (!passing || attempt >= options_.attempts_max)
        return response.ok() ? error_of(call, *response)
                             : unavailable(response.error().message, "ServerBusy");
      log::debug("s3", "trying again", {{"key", call.key}, {"attempt", attempt}});
      std::this_thread::sleep_for(pause_after(attempt));
    }
  }

  Result<http::Response> send_once(const Call& call) {
    std::unique_ptr<http::Client> client = TRY(connections_.take());
    auto response = client->send(make_request(call));
    connections_.put_back(response.ok() ? std::move(client) : nullptr);
    return response;
  }

  // Doubles each time; half of it is left to chance, so that many do not come back together.
  Duration pause_after(int attempt) {
    const int64_t full = options_.first_pause.count() << (attempt - 1);
    std::lock_guard lock(mutex_);
    return Duration(std::uniform_int_distribution<int64_t>(full / 2, full)(random_));
  }

  const S3Options options_;
  const http::Url url_;
  Connections connections_;
  std::mutex mutex_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

Result<std::shared_ptr<ObjectService>> open_s3(S3Options options) {
  http::Url url = TRY(http::parse_url(options.endpoint));
  if (options.bucket.empty() || options.access_key.empty() || options.secret_key.empty())
    return invalid_argument("an object service needs a bucket, an access key and a secret key");
  return std::make_shared<S3>(std::move(options), std::move(url));
}

}  // namespace lazuli::core

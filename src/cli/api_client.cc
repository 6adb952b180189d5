// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "base/files.h"
#include "base/strings.h"
#include "cli/server_commands.h"
#include "codec/text.h"
#include "codec/xml.h"

namespace lazuli::cli {
namespace {

constexpr size_t kBlockBytes = 8u << 20;
constexpr auto kOperationMax = std::chrono::minutes(30);

Error from_body(const http::Response& response) {
  Error error{response.status == 404 ? Code::kNotFound : Code::kInternal,
              "HttpError",
              cat({"the server answered ", std::to_string(response.status)}),
              {},
              {}};
  if (Result<Json> body = Json::parse(response.text()); body.ok()) {
    const Json& inner = (*body)["error"];
    if (inner.is_object()) {
      error.wire_code = inner["code"].text();
      error.message = inner["message"].text();
    } else if (inner.is_string()) {
      error.wire_code = inner.text();
      error.message = (*body)["error_description"].text();
    }
  } else if (Result<XmlElement> xml = parse_xml(response.text()); xml.ok()) {  // storage
    error.wire_code = xml->child_text("Code");
    error.message = split(xml->child_text("Message"), '\n').front();
  }
  return error;
}

std::string audience_of(std::string_view host, const ApiClient& client) {
  if (host.ends_with(".blob.core")) return "https://storage.azure.com";
  if (host == "graph") return client.url("graph", "");
  return client.url("management", "");
}

}  // namespace

Result<std::unique_ptr<ApiClient>> ApiClient::connect(const std::string& data_dir) {
  std::unique_ptr<ApiClient> client(new ApiClient());
  TRY(client->open(data_dir));
  return client;
}

Result<void> ApiClient::open(const std::string& data_dir) {
  auto advice = [&](const Error& error) { return unavailable(error.message, "NoServer"); };
  Result<server::ServerFile> running = server::read_server_file(data_dir);
  if (!running.ok()) return advice(running.error());
  server_ = *running;
  installation_ = TRY(server::read_installation(data_dir));
  http::ClientOptions options;
  options.ca_file = data_dir + "/ca.pem";
  options.connect_to = server_.address;
  http_ = TRY(http::Client::create(options));
  data_dir_ = data_dir;
  sign_in_ = std::make_unique<SignIn>(*http_, url("login", ""));
  const Json file = TRY(Json::parse(TRY(read_file(data_dir + "/administrator.json"))));
  administrator_.kind = Account::Kind::kSecret;
  administrator_.tenant = installation_.tenant_id;
  administrator_.client_id = file["clientId"].text();
  administrator_.secret = SecretString(file["clientSecret"].str());
  account_ = TRY(load_account(data_dir));
  Result<Json> health_now = health();
  if (!health_now.ok())
    return advice(with_context(cat({"the server at ", server_.address, " does not answer"}),
                               health_now.error()));
  return {};
}

std::string ApiClient::workspace_id() const {
  return cat({"/subscriptions/", installation_.subscription_id, "/resourceGroups/",
              installation_.resource_group,
              "/providers/Microsoft.MachineLearningServices/workspaces/", installation_.workspace});
}

std::string ApiClient::url(std::string_view host_prefix, std::string_view path) const {
  std::string port = server_.port == 443 ? "" : ":" + std::to_string(server_.port);
  std::string_view dot = host_prefix.empty() ? "" : ".";
  return cat({"https://", host_prefix, dot, installation_.domain, port, path});
}

Result<Json> ApiClient::health() {
  http::ClientRequest request;
  request.url = url("", "/health");
  http::Response response = TRY(http_->send(request));
  if (response.status != 200) return from_body(response);
  return Json::parse(response.text());
}

Result<Json> ApiClient::plain_post(std::string_view path, const Json& body) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = url("", path);
  request.headers.set("Content-Type", "application/json");
  request.body = body.dump();
  http::Response response = TRY(http_->send(request));
  if (response.status >= 300) return from_body(response);
  return Json::parse(response.text());
}

Result<SecretString> ApiClient::token(const std::string& audience) {
  if (!account_) return TRY(sign_in_->token(administrator_, audience)).token;
  SignIn::Token fresh = TRY(sign_in_->token(*account_, audience));
  if (fresh.changed) TRY(save_account(data_dir_, *account_));
  return std::move(fresh.token);
}

Result<void> ApiClient::act_as(Account account) {
  account_ = std::move(account);
  return save_account(data_dir_, *account_);
}

Result<http::Response> ApiClient::send(const Call& call) {
  http::ClientRequest request;
  request.method = call.method;
  request.url = url(call.host, call.path);
  request.headers = call.headers;
  SecretString bearer = TRY(token(audience_of(call.host, *this)));
  if (!request.headers.contains("Authorization"))
    request.headers.set("Authorization", cat({"Bearer ", bearer.expose()}));
  request.body = call.raw_body;
  if (!call.body.is_null()) {
    request.body = call.body.dump();
    request.headers.set("Content-Type", "application/json");
  }
  http::Response response = TRY(http_->send(request));
  if (response.status >= 300) return from_body(response);
  return response;
}

// Azure-AsyncOperation: poll until the status is terminal.
Result<void> ApiClient::wait_for(const http::Response& response) {
  auto header = response.headers.get("Azure-AsyncOperation");
  if (!header) return {};
  std::string_view rest = *header;
  size_t path = rest.find('/', 8);
  if (path == std::string_view::npos) return internal_error("the polling address has no path");
  auto deadline = SteadyClock::now() + kOperationMax;
  for (auto pause = std::chrono::milliseconds(20); SteadyClock::now() < deadline;
       pause = std::min(pause * 2, std::chrono::milliseconds(1000))) {
    Json status = TRY(get(std::string(rest.substr(path))));
    std::string_view state = status["status"].str();
    if (state == "Succeeded") return {};
    if (state == "Failed" || state == "Canceled") {
      std::string message = status["error"]["message"].text();
      for (const Json& detail : status["error"]["details"].items())
        message += cat({"\n  ", detail["target"].text(), ": ", detail["message"].text()});
      return Error{Code::kInternal, status["error"]["code"].text(), std::move(message), {}, {}};
    }
    std::this_thread::sleep_for(pause);
  }
  return deadline_exceeded("the operation did not end within 30 minutes");
}

Result<Json> ApiClient::get(std::string path) {
  Call call;
  call.path = std::move(path);
  return Json::parse(TRY(send(call)).text());
}

Result<Json> ApiClient::graph(http::Method method, std::string path, Json body) {
  Call call;
  call.method = method;
  call.host = "graph";
  call.path = std::move(path);
  call.body = std::move(body);
  const http::Response response = TRY(send(call));
  if (response.text().empty()) return Json::object();
  return Json::parse(response.text());
}

Result<Json> ApiClient::list(std::string path) {
  Call call;
  call.path = std::move(path);
  return list_pages(std::move(call), "nextLink");
}

Result<Json> ApiClient::list_graph(std::string path) {
  Call call;
  call.host = "graph";
  call.path = std::move(path);
  return list_pages(std::move(call), "@odata.nextLink");
}

Result<Json> ApiClient::list_pages(Call call, std::string_view next_name) {
  constexpr int kPagesMax = 1000;
  Json all = Json::array();
  for (int page = 0; page < kPagesMax && !call.path.empty(); ++page) {
    const Json answer = TRY(Json::parse(TRY(send(call)).text()));
    for (const Json& each : answer["value"].items()) all.push_back(each);
    const std::string next = answer[next_name].text();
    const size_t slash = next.find('/', std::string_view("https://").size());
    call.path = slash == std::string::npos ? std::string() : next.substr(slash);
  }
  return all;
}

Result<Json> ApiClient::put(std::string path, Json body) {
  Call call;
  call.method = http::Method::kPut;
  call.path = path;
  call.body = std::move(body);
  http::Response response = TRY(send(call));
  if (response.headers.contains("Azure-AsyncOperation")) {
    TRY(wait_for(response));
    return get(std::move(path));
  }
  return Json::parse(response.text());
}

Result<Json> ApiClient::post(std::string path, Json body) {
  Call call;
  call.method = http::Method::kPost;
  call.path = std::move(path);
  call.body = std::move(body);
  http::Response response = TRY(send(call));
  TRY(wait_for(response));
  if (response.text().empty()) return Json();
  return Json::parse(response.text());
}

Result<void> ApiClient::remove(std::string path) {
  Call call;
  call.method = http::Method::kDelete;
  call.path = std::move(path);
  return wait_for(TRY(send(call)));
}

Result<std::string> ApiClient::fetch(std::string_view address) {
  http::ClientRequest request;
  request.url = address;
  http::Response response = TRY(http_->send(request));
  if (response.status >= 300) return from_body(response);
  return response.text();
}

Result<http::Response> ApiClient::score(std::string_view scoring_uri, const SecretString& key,
                                        std::string body) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = scoring_uri;
  request.headers.set("Authorization", cat({"Bearer ", key.expose()}));
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  return http_->send(request);
}

Result<http::Response> ApiClient::send_blob(const std::string& account, std::string path,
                                            std::string content, const http::Headers& headers) {
  Call call;
  call.method = http::Method::kPut;
  call.host = account + ".blob.core";
  call.path = std::move(path);
  call.raw_body = std::move(content);
  call.headers = headers;
  call.headers.set("x-ms-version", "2025-11-05");
  return send(call);
}

Result<void> ApiClient::upload(const std::string& account, const std::string& container,
                               const std::string& name, const std::string& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error("open " + file, errno);
  std::string path = cat({"/", container, "/", url_encode(name, true)});
  std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  Result<void> result;
  for (size_t index = 0; result.ok(); ++index) {
    std::string block(kBlockBytes, '\0');
    ssize_t count = ::read(fd, block.data(), block.size());
    if (count < 0) result = errno_error("read " + file, errno);
    if (count <= 0) break;
    block.resize(static_cast<size_t>(count));
    std::string number = std::to_string(100000 + index);
    std::string id = to_base64(number);
    list += cat({"<Latest>", id, "</Latest>"});
    auto sent = send_blob(account, cat({path, "?comp=block&blockid=", url_encode(id)}),
                          std::move(block), {});
    if (!sent.ok()) result = with_context("upload " + file, sent.error());
  }
  ::close(fd);
  TRY(std::move(result));
  TRY(send_blob(account, path + "?comp=blocklist", list + "</BlockList>", {}));
  return {};
}

int ask_and_show(const std::string& data_dir, bool json,
                 const std::function<Result<Json>(ApiClient&)>& ask,
                 const std::function<void(const Json&)>& print) {
  auto client = ApiClient::connect(data_dir);
  if (!client.ok()) return fail(client.error());
  const Result<Json> answer = ask(**client);
  if (!answer.ok()) return fail(answer.error());
  if (json)
    std::printf("%s", answer->dump_pretty().c_str());
  else
    print(*answer);
  return kSuccess;
}

}  // namespace lazuli::cli

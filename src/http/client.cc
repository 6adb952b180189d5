// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <netdb.h>
#include <poll.h>

#include <cerrno>

#include "base/strings.h"
#include "http/egress.h"
#include "http/encode.h"
#include "http/parser.h"
#include "http/tls.h"
#include "http/transport.h"
#include "http/url.h"

namespace lazuli::http {
namespace {

using Deadline = SteadyClock::time_point;

Result<void> wait_for(int fd, short events, Deadline deadline, std::string_view what) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return deadline_exceeded(cat({what, ": no answer in time"}));
    pollfd entry = {fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (ready > 0) return success();
    if (ready < 0 && errno != EINTR) return errno_error(what, errno);
  }
}

// A failure that tells a kept connection went stale before the server saw the request.
constexpr std::string_view kStale = "ConnectionClosed";
Error closed_error() {
  return unavailable("the server closed the connection", std::string(kStale));
}

std::string encode_request(const ClientRequest& request, const Url& url) {
  std::string out = cat({to_string(request.method), " ", url.target, " HTTP/1.1\r\n"});
  if (!request.headers.contains("Host")) out += cat({"Host: ", url.text, "\r\n"});
  for (const Headers::Field field : request.headers.fields()) {
    if (iequals(field.name, "Content-Length") || iequals(field.name, "Transfer-Encoding")) continue;
    out += cat({field.name, ": ", field.value, "\r\n"});
  }
  const bool needs_length = request.method != Method::kGet && request.method != Method::kHead;
  if (needs_length || !request.body.empty()) {
    out += cat({"Content-Length: ", std::to_string(request.body.size()), "\r\n"});
  }
  return out += "\r\n";
}

bool is_idempotent(Method method) { return method != Method::kPost && method != Method::kPatch; }

bool has_line_break(const ClientRequest& request) {
  for (const Headers::Field field : request.headers.fields()) {
    if (cat({field.name, field.value}).find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      return true;
    }
  }
  return request.url.find_first_of(" \r\n\t") != std::string::npos;
}

class BlockingClient final : public Client {
 public:
  BlockingClient(ClientOptions options, std::unique_ptr<TlsClient> tls)
      : options_(std::move(options)), tls_(std::move(tls)) {}

  Result<Response> send(const ClientRequest& request) override {
    if (has_line_break(request)) return invalid_argument("the request holds a line break");
    const Url url = TRY(parse_url(request.url));
    const std::string origin = url.origin();
    const bool kept = transport_ && origin == origin_ && !has_ended();
    if (!kept) {
      TRY(connect(url));
      origin_ = origin;
    }
    auto response = exchange(request, url);
    const bool stale = !response.ok() && response.error().wire_code == kStale;
    if (!kept || !stale || !is_idempotent(request.method)) return response;
    // The server closed an idle connection just as we used it again.
    TRY(connect(url));
    return exchange(request, url);
  }

 private:
  Result<EgressWay> way(const Url& url) const {
    if (!options_.connect_to.empty())
      return EgressWay{{TRY(SocketAddress::parse(options_.connect_to))}};
    const std::string host = url.host_without_brackets();
    if (options_.egress != nullptr) return options_.egress->way(host, url.port());
    return EgressWay{TRY(system_lookup()(host, url.port()))};
  }

  // Between two calls the server says nothing but that it closes.
  bool has_ended() const {
    pollfd entry = {transport_->fd(), POLLIN, 0};
    return poll(&entry, 1, 0) != 0;
  }

  Result<void> connect(const Url& url) {
    transport_.reset();
    auto connected = try_connect(url);
    if (!connected.ok()) transport_.reset();
    return connected;
  }

  Result<void> try_connect(const Url& url) {
    const Deadline deadline = SteadyClock::now() + options_.connect_timeout;
    Result<void> outcome = unavailable(cat({"no address for ", url.authority.host}));
    const EgressWay found = TRY(way(url));
    for (const SocketAddress& address : found.addresses) {
      outcome = connect_to(address, deadline);
      if (!outcome.ok()) continue;
      if (found.by_parent) TRY(ask_parent(url, deadline));
      return url.tls ? start_tls(url, deadline) : success();
    }
    return outcome;
  }

  Result<void> connect_to(const SocketAddress& address, Deadline deadline) {
    Fd fd = TRY(connect_start(address));
    TRY(wait_for(fd.get(), POLLOUT, deadline, "connect to " + address.to_string()));
    TRY(connect_result(fd.get(), address));
    transport_.emplace(std::move(fd));
    return success();
  }

  // RFC 9110 §9.3.6: a tunnel to the destination.
  Result<void> ask_parent(const Url& url, Deadline deadline) {
    const std::string authority = cat({url.authority.host, ":", std::to_string(url.port())});
    TRY(write_request(cat({"CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"}),
                      {}));
    parser_.begin(true);  // an answer without content, like one to HEAD
    std::string buffer(16 * 1024, '\0'), body;
    while (true) {
      const Io io = transport_->read(buffer);
      if (io.status == IoStatus::kWantRead) {
        TRY(wait_for(transport_->fd(), POLLIN, deadline, "wait for the parent proxy"));
        continue;
      }
      if (io.status != IoStatus::kOk) return unavailable("the parent proxy closed the connection");
      const Progress progress = parser_.read({buffer.data(), io.bytes}, body);
      if (progress.error) return unavailable(cat({"the parent proxy: ", progress.error->reason}));
      if (!progress.done) continue;
      if (parser_.status() / 100 != 2)
        return unavailable(cat({"the parent proxy refused: ", std::to_string(parser_.status())}));
      if (progress.consumed != io.bytes) return unavailable("the parent proxy says too much");
      return success();
    }
  }

  Result<void> start_tls(const Url& url, Deadline deadline) {
    if (!tls_) return invalid_argument("an https URL needs a CA file to check the server with");
    transport_->start_tls(TRY(tls_->connect(transport_->fd(), url.host_without_brackets())));
    while (true) {
      const IoStatus status = transport_->tls()->handshake();
      if (status == IoStatus::kOk) return success();
      if (status != IoStatus::kWantRead && status != IoStatus::kWantWrite) {
        return unavailable(
            cat({"TLS with ", url.authority.host, ": ", transport_->tls()->error()}));
      }
      const short events = status == IoStatus::kWantRead ? POLLIN : POLLOUT;
      TRY(wait_for(transport_->fd(), events, deadline, "TLS with " + url.authority.host));
    }
  }

  Result<Response> exchange(const ClientRequest& request, const Url& url) {
    auto response = exchange_on(request, url);
    if (!response.ok() || !parser_.keep_alive()) transport_.reset();
    return response;
  }

  Result<Response> exchange_on(const ClientRequest& request, const Url& url) {
    const bool refused_early = !TRY(write_request(encode_request(request, url), request.body));
    parser_.begin(request.method == Method::kHead);
    Response response;
    auto& body = std::get<std::string>(response.body);
    std::string buffer(64 * 1024, '\0');
    bool anything = false;
    while (true) {
      const Io io = transport_->read(buffer);
      if (io.status == IoStatus::kWantRead || io.status == IoStatus::kWantWrite) {
        const short events = io.status == IoStatus::kWantRead ? POLLIN : POLLOUT;
        TRY(wait_for(transport_->fd(), events, SteadyClock::now() + options_.timeout,
                     "wait for the response of " + url.authority.host));
        continue;
      }
      if (io.status == IoStatus::kError || io.status == IoStatus::kEnd) {
        if (!anything) return closed_error();
        if (io.status == IoStatus::kError || !parser_.finish()) {
          return unavailable("the response was cut off");
        }
        break;
      }
      anything = true;
      const Progress progress = parser_.read({buffer.data(), io.bytes}, body);
      if (progress.error) return unavailable(progress.error->reason);
      if (body.size() > options_.response_bytes_max) {
        return unavailable("the response is larger than this client accepts");
      }
      if (progress.done) break;
    }
    response.status = parser_.status();
    response.headers = parser_.take_headers();
    if (refused_early) transport_.reset();
    return response;
  }

  // False: the server stopped reading, which it may do to answer early.
  Result<bool> write_request(std::string_view head, std::string_view body) {
    while (!head.empty() || !body.empty()) {
      const Io io = transport_->write(head, body);
      if (io.status == IoStatus::kWantWrite || io.status == IoStatus::kWantRead) {
        const short events = io.status == IoStatus::kWantRead ? POLLIN : POLLOUT;
        TRY(wait_for(transport_->fd(), events, SteadyClock::now() + options_.timeout, "send"));
        continue;
      }
      if (io.status != IoStatus::kOk) return false;
      const size_t from_head = std::min(io.bytes, head.size());
      head.remove_prefix(from_head);
      body.remove_prefix(io.bytes - from_head);
    }
    return true;
  }

  const ClientOptions options_;
  const std::unique_ptr<TlsClient> tls_;
  ResponseParser parser_{HeadLimits{}};
  std::optional<Transport> transport_;
  std::string origin_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::create(ClientOptions options) {
  std::unique_ptr<TlsClient> tls;
  if (!options.ca_file.empty()) tls = TRY(TlsClient::create(options.ca_file));
  return std::unique_ptr<Client>(
      std::make_unique<BlockingClient>(std::move(options), std::move(tls)));
}

}  // namespace lazuli::http

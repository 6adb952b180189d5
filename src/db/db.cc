// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "base/strings.h"
#include "db/migrate.h"
#include "db/postgres.h"
#include "db/readers.h"
#include "db/sqlite.h"
#include "db/transaction.h"
#include "db/writer.h"

namespace lazuli::db {

Result<std::optional<Row>> Executor::query_one(std::string_view sql, Params params) {
  Rows rows = TRY(query(sql, params));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

class Backend {
 public:
  Backend(std::unique_ptr<Connection> writer, Connector connector, const Options& options)
      : readers_(std::move(connector), options), writer_(std::move(writer), options) {}
  Writer& writer() { return writer_; }
  Readers& readers() { return readers_; }

 private:
  Readers readers_;
  Writer writer_;
};

Database::Database(std::unique_ptr<Backend> backend, bool shared)
    : backend_(std::move(backend)), shared_(shared) {}
Database::~Database() { close(); }

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  const bool shared = !options.url.starts_with("sqlite:");
  Connector connector = shared ? postgres_connector(options) : sqlite_connector(options);
  auto writer = TRY(connector(Role::kWriter));
  auto backend = std::make_unique<Backend>(std::move(writer), std::move(connector), options);
  return std::unique_ptr<Database>(new Database(std::move(backend), shared));
}

Result<void> Database::migrate(std::span<const Migration> migrations) {
  return db::migrate(backend_->writer(), migrations);
}

Database::Handle Database::handle(std::string owner) {
  CHECK(!owner.empty());
  return Handle(*this, std::move(owner));
}

void Database::close() {
  backend_->writer().close();
  backend_->readers().close();
}

Result<void> Database::run_write(std::string_view owner, std::function<Result<void>(Tx&)> closure) {
  return backend_->writer().write(owner, closure);
}

Result<void> Database::run_read(std::string_view owner,
                                std::function<Result<void>(Reader&)> closure) {
  if (backend_->writer().is_own_thread()) return internal_error("a write waits for a read");
  return backend_->readers().read(owner, closure);
}

Tx& Database::Handle::join(Tx& tx) const {
  auto* session = dynamic_cast<SessionTx*>(&tx);
  CHECK(session != nullptr);
  return session->view(owner_);
}

}  // namespace lazuli::db

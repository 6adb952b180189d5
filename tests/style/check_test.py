#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each style rule can fail: a tree that breaks it is found at the right place, and a good one is not."""

import pathlib
import sys
import tempfile
import unittest

import cpp
import rules

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def places(rule, tree, *more):
    return [(finding.path, finding.line) for finding in rule(tree, *more)]


def long_function(lines, opening="void f(int a) {"):
    return opening + "\n" + "  ++a;\n" * (lines - 2) + "}\n"


class IncludeDirection(unittest.TestCase):
    def check(self, path, include, expected):
        tree = {path: SPDX + f'#include "{include}"\n', "src/" + include: SPDX}
        tree.setdefault("src/base/log.h", SPDX)
        self.assertEqual(bool(places(rules.include_direction, tree)), not expected, f"{path} -> {include}")

    def test_directions(self):
        for path, include, allowed in (
                ("src/db/db.cc", "base/log.h", True),
                ("src/base/log.cc", "db/db.h", False),
                ("src/db/db.cc", "db/sqlite.h", True),
                ("src/engines/compute/a.cc", "core/service.h", True),
                ("src/engines/compute/a.cc", "engines/compute/b.h", True),
                ("src/engines/compute/a.cc", "engines/workflow/b.h", False),
                ("src/services/jobs/a.cc", "engines/workflow/b.h", True),
                ("src/services/jobs/a.cc", "services/jobs/store.h", True),
                ("src/services/jobs/a.cc", "services/runs/api.h", True),
                ("src/services/jobs/a.cc", "services/runs/store.h", False),
                ("src/services/jobs/a.cc", "server/chain.h", False),
                ("src/server/house.cc", "services/jobs/service.h", True)):
            self.check(path, include, allowed)

    def test_names_from_src_down(self):
        tree = {"src/db/a.cc": SPDX + '\n#include "../base/log.h"\n#include "log.h"\n', "src/base/log.h": SPDX}
        self.assertEqual(places(rules.include_direction, tree), [("src/db/a.cc", 3), ("src/db/a.cc", 4)])

    def test_missing_file_and_floor(self):
        tree = {"src/db/a.cc": '#include "base/none.h"\n', "src/attic/a.cc": SPDX}
        self.assertEqual(places(rules.include_direction, tree), [("src/db/a.cc", 1), ("src/attic/a.cc", 1)])


class Facades(unittest.TestCase):
    def test_allowed(self):
        tree = {"src/db/sqlite.cc": "#include <sqlite3.h>\n#include <vector>\n#include <sys/stat.h>\n",
                "src/db/db_test.cc": "#include <gtest/gtest.h>\n", "src/http/tls.cc": "#include <openssl/ssl.h>\n"}
        self.assertEqual(places(rules.facades, tree), [])

    def test_refused(self):
        for path, header in (("src/core/a.cc", "sqlite3.h"), ("src/db/db.h", "sqlite3.h"),
                             ("src/http/server.cc", "openssl/ssl.h"), ("src/codec/json.h", "boost/json.hpp"),
                             ("src/db/db.cc", "gtest/gtest.h"), ("src/base/a.cc", "fmt/format.h"),
                             ("src/base/a.cc", "curl.h")):
            self.assertEqual(places(rules.facades, {path: f"\n#include <{header}>\n"}), [(path, 2)], header)


class Sizes(unittest.TestCase):
    def test_file(self):
        self.assertEqual(places(rules.file_length, {"src/a.cc": "\n" * 700, "data.csv": "\n" * 900}), [])
        self.assertEqual(places(rules.file_length, {"src/a.cc": "\n" * 701}), [("src/a.cc", 701)])

    def test_function(self):
        self.assertEqual(places(rules.function_length, {"src/a.cc": long_function(70)}), [])
        self.assertEqual(places(rules.function_length, {"src/a.cc": "\n" + long_function(71)}), [("src/a.cc", 2)])

    def test_function_in_class_in_namespace(self):
        text = "namespace a {\nclass B {\n public:\n" + long_function(71) + "};\n}  // namespace a\n"
        self.assertEqual(places(rules.function_length, {"src/a.h": text}), [("src/a.h", 4)])

    def test_line(self):
        tree = {"src/a.cc": "x" * 101 + "\n", "a.py": "x" * 120 + "\n", "b.sh": "\n" + "x" * 121, "a.md": "x" * 300}
        self.assertEqual(places(rules.line_length, tree), [("src/a.cc", 1), ("b.sh", 2)])


class ReadingCpp(unittest.TestCase):
    def spans(self, text):
        return [(function.first_line, function.last_line) for function in cpp.functions(text)]

    def test_spans(self):
        for text, expected in (
                ("int f() { return 1; }\n", [(1, 1)]),
                ("Foo::Foo(int a)\n    : a_{a},\n      b_(2) {\n  g();\n}\nint h() {\n}\n", [(1, 5), (6, 7)]),
                ("auto f() -> int {\n}\n", [(1, 2)]),
                ("template <typename T>\n  requires(true)\nvoid f(T t) {\n}\n", [(1, 4)]),
                ("void f() {\n  auto g = [](int a) {\n  };\n  if (x) {\n  }\n}\n", [(1, 6)]),
                ("constexpr int kA[] = {\n  1,\n  2\n};\nint f() {\n}\n", [(5, 6)]),
                ("struct A {\n  int a = 1;\n  std::vector<int> b{1, 2};\n  bool operator()() const {\n  }\n};\n",
                 [(4, 5)]),
                ("enum class E { kA, kB };\nclass C : public D {\n  void g() override {\n  }\n};\n", [(3, 4)]),
                ('const char* k = "{";\nvoid f() {  // {\n  g(\'{\', R"x(}{)x");\n}\n', [(2, 4)]),
                ("#define X(a) {\nvoid f(int x = 1'000) {\n}\n", [(2, 3)]),
                ("TEST(Suite, Name) {\n  EXPECT_TRUE(true);\n}\n", [(1, 3)])):
            self.assertEqual(self.spans(text), expected, text)

    def test_literals(self):
        text = 'f("a"\n  "b", R"sql(c\nd)sql");  // "e"\n\nconst char q = \'"\'; g("f\\"");\n'
        self.assertEqual(cpp.literals(text), [(1, "ab"), (2, "c\nd"), (5, 'f\\"')])


class Words(unittest.TestCase):
    def test_licence(self):
        good = {"src/a.cc": SPDX, "a.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", "README.md": "x"}
        self.assertEqual(places(rules.licence_line, good), [])
        bad = {"src/a.cc": "\n" + SPDX, "a.py": "import os\n", "run": "#!/usr/bin/env bash\necho\n"}
        self.assertEqual(places(rules.licence_line, bad), [("src/a.cc", 1), ("a.py", 1), ("run", 1)])

    def test_open_ends(self):
        tree = {"src/a.cc": "// TO" "DO(#12): fine\n// TO" "DO: not\n// FIX" "ME\n"}
        self.assertEqual(places(rules.open_ends, tree), [("src/a.cc", 2), ("src/a.cc", 3)])

    def test_using_namespace(self):
        tree = {"src/a.cc": "// using namespace std\nusing  namespace std;\nusing lazuli::db::Tx;\n"}
        self.assertEqual(places(rules.using_namespace, tree), [("src/a.cc", 2)])

    def test_header_guard(self):
        self.assertEqual(places(rules.header_guard, {"src/a.h": SPDX}), [("src/a.h", 1)])
        self.assertEqual(places(rules.header_guard, {"src/a.h": SPDX + "#pragma once\n"}), [])

    def test_sql(self):
        text = '\nq("SELECT a "\n  "FROM t");\nq("select the rows from here");\nq(R"(INSERT INTO t VALUES (1))");\n'
        self.assertEqual(places(rules.sql_in_store, {"src/services/jobs/a.cc": text}),
                         [("src/services/jobs/a.cc", 2), ("src/services/jobs/a.cc", 5)])
        for path in ("src/services/jobs/store.cc", "src/db/a.cc", "src/services/jobs/a_test.cc"):
            self.assertEqual(places(rules.sql_in_store, {path: text}), [], path)

    def test_principals(self):
        text = "\nauto p = core::Authenticator::seal(std::move(verified));\n"
        self.assertEqual(places(rules.principals, {"src/services/jobs/a.cc": text}), [("src/services/jobs/a.cc", 2)])
        for path in ("src/server/chain.cc", "src/core/auth.cc", "src/services/jobs/a_test.cc"):
            self.assertEqual(places(rules.principals, {path: text}), [], path)

    def test_dangling_ranges(self):
        head = SPDX + "Result<std::vector<int>> f(int a);\nResult<Json> Store::g();\nconst Names& names();\n" \
            "auto h = [&](int a) -> Result<Json> { return a; };\n"
        for walked, dangles in (
                ("*f(1)", True), ("f(1).value()", True), ("f(g(2))->items", True), ("*store.f(a[0])", True),
                ("Store::g()->members()", True), ("g().value()[\"a\"].items()", True), ("(*f(1))", True),
                ("TRY(g()).items()", True), ("TRY(g())[\"a\"].items()", True), ("*TRY(f(1))", True),
                ("h(1)->items()", True), ("*f(\n         1)", True), ("TRY(f(1))", False), ("*found", False),
                ("TRY(store.f(1, {2}))", False),
                ("found.value()", False), ("names().all", False), ("*names()", False), ("split(f, ',')", False)):
            text = head + f"void k() {{\n  for (const std::pair<int, a::B>& each : {walked}) use(each);\n}}\n"
            found = places(rules.dangling_ranges, {"src/a.cc": text})
            self.assertEqual(found, [("src/a.cc", 7)] if dangles else [], walked)
        classic = head + "void k() {\n  for (int i = a ? b : *f(1); i < 3; ++i) use(i);\n}\n"
        self.assertEqual(places(rules.dangling_ranges, {"src/a.cc": classic}), [])

    def test_only_itself(self):
        self.assertEqual(places(rules.only_itself, {"a.md": "\nsee registry." "npmjs.org\n"}), [("a.md", 2)])

    def test_documents(self):
        tree = {"src/services/jobs/a.cc": SPDX, "src/db/a.cc": SPDX, "src/engines/compute/a.cc": SPDX}
        self.assertEqual(len(places(rules.documents, tree)), 3)
        tree.update({"docs/services/jobs.md": "", "ARCHITECTURE.md": "`db` and `engines/compute`"})
        self.assertEqual(places(rules.documents, tree), [])


class Programs(unittest.TestCase):
    def test_shell(self):
        tree = {"a.sh": "#!/usr/bin/env bash\nif true; then\n", "b.sh": "echo\n"}
        self.assertEqual([path for path, _ in places(rules.shell_syntax, tree, ".")], ["a.sh"])

    def test_python(self):
        self.assertEqual(places(rules.python_syntax, {"a.py": "\ndef f(:\n", "b.py": "1\n"}, "."), [("a.py", 2)])

    def test_formatting(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = {"good.cc": "int f() { return 1; }\n", "bad.cc": "\nint  f( ){return 1;}\n"}
            for path, text in tree.items():
                pathlib.Path(folder, path).write_text(text)
            pathlib.Path(folder, ".clang-format").write_text("BasedOnStyle: Google\n")
            self.assertEqual({path for path, _ in places(rules.formatting, tree, folder)}, {"bad.cc"})


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if failed else 0)

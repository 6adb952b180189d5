# SPDX-License-Identifier: Apache-2.0
"""The rules of STYLE.md that a program can check. A rule takes the tree (path -> text) and yields findings."""

import collections
import fnmatch
import re
import shutil
import subprocess

import cpp

Finding = collections.namedtuple("Finding", "path line message")

FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70
CPP_COLUMNS_MAX = 100
SCRIPT_COLUMNS_MAX = 120

# The house, bottom up. Engines are one floor, and so are services: neighbours do not include each other.
FLOORS = ("base", "codec", "crypto", "proc", "db", "bytes", "http", "core", "engines", "services", "server", "cli")

# Third-party headers and the only files that may include them. A header in none of these groups is unknown here: name
# its facade before it is used.
FACADES = (
    (r"sqlite3\.h|libpq-fe\.h|pg_config.*\.h", ("src/db/*.cc", "bench/db.cc", "bench/state.cc")),
    (r"openssl/.*", ("src/crypto/*.cc", "src/crypto/openssl.h", "src/http/tls*.cc")),
    (r"sodium\.h|p11-kit/pkcs11\.h|tss2/.*", ("src/crypto/*.cc",)),
    (r"boost/json(/|\.).*", ("src/codec/json*.cc",)),
    (r"yaml-cpp/.*", ("src/codec/yaml*.cc",)),
    (r"pugixml\.hpp", ("src/codec/xml*.cc",)),
    (r"unicode/.*", ("src/codec/time_zone.cc",)),
    (r"simdjson\.h", ("src/codec/*.cc", "src/engines/inference/*.cc")),
    (r"llhttp\.h", ("src/http/*.cc",)),
    (r"onnxruntime_.*\.h", ("src/engines/inference/*.cc", "src/engines/inference/ort.h")),
    (r"CLI/CLI\.hpp", ("src/cli/app.cc",)),
    (r"seccomp\.h|linux/(landlock|seccomp|filter)\.h", ("src/proc/*.cc", "src/engines/compute/*.cc")),
    (r"g(test|mock)/.*", ("*_test.cc", "*_fake.cc", "*/testing.h")),
)
# What comes with the language and the system: C++ headers have no suffix.
SYSTEM_HEADER = re.compile(
    r"[a-z_]+|(sys|linux|netinet|arpa|net|bits)/[a-z_0-9]+\.h|"
    r"(assert|ctype|dirent|dlfcn|endian|errno|execinfo|fcntl|fnmatch|ftw|glob|grp|ifaddrs|limits|locale|malloc|math"
    r"|netdb|poll|pthread|pty|pwd|resolv|sched|semaphore|signal|spawn|stdarg|stdbool|stddef|stdint|stdio|stdlib|string"
    r"|strings|syslog|termios|time|unistd|utime|utmp)\.h")

SQL = re.compile(
    r"\b(SELECT\s[^;]*\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|(CREATE|DROP|ALTER)\s+(UNIQUE\s+)?(TABLE|INDEX)\s)")

REGISTRY_HOST = re.compile(
    r"(pypi|pythonhosted)\.org|registry\.npmjs|proxy\.golang|(deb|security|snapshot)\.debian\.org")


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def is_test(path):
    return path.endswith(("_test.cc", "_fake.cc", "_fake.h")) or path.startswith("tests/")


def cpp_sources(tree):
    return ((path, text) for path, text in tree.items() if is_cpp(path))


def numbered(text):
    return enumerate(text.splitlines(), 1)


def is_script(path, text):
    return path.endswith((".sh", ".py")) or text.startswith("#!")


def module_of(path):
    """'src/db/db.h' -> ('db', 'db'), 'src/services/jobs/api.h' -> ('services', 'services/jobs')."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "src":
        return None, None
    floor = parts[1]
    return floor, "/".join(parts[1:3]) if floor in ("engines", "services") else floor


def include_direction(tree):
    for path, text in cpp_sources(tree):
        floor, module = module_of(path)
        if floor is None:
            continue
        if floor not in FLOORS:
            yield Finding(path, 1, f"'{floor}' is not a floor of the house ({', '.join(FLOORS)})")
            continue
        for line, content in numbered(text):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', content)
            if match:
                yield from _check_include(path, line, floor, module, match.group(1), tree)


def _check_include(path, line, floor, module, included, tree):
    target = "src/" + included
    other_floor, other_module = module_of(target)
    if ".." in included.split("/") or other_floor is None:
        yield Finding(path, line, f'"{included}": name the file from src/ down')
    elif other_floor not in FLOORS:
        yield Finding(path, line, f'"{included}": there is no floor \'{other_floor}\'')
    elif target not in tree and f"{target}.in" not in tree:
        yield Finding(path, line, f'"{included}": there is no such file')
    elif other_module == module:
        return
    elif FLOORS.index(other_floor) > FLOORS.index(floor):
        yield Finding(path, line, f'"{included}": {floor} may not know {other_floor}, which stands above it')
    elif other_floor == floor and not (floor == "services" and included.endswith("/api.h")):
        what = "another service's api.h alone" if floor == "services" else "no neighbour"
        yield Finding(path, line, f'"{included}": {module} may include {what}')


def facades(tree):
    for path, text in cpp_sources(tree):
        for line, content in numbered(text):
            match = re.match(r"\s*#\s*include\s+<([^>]+)>", content)
            if not match:
                continue
            header = match.group(1)
            allowed = next((files for pattern, files in FACADES if re.fullmatch(pattern, header)), None)
            if allowed is None and not SYSTEM_HEADER.fullmatch(header):
                yield Finding(path, line, f"<{header}> has no facade: name one in tests/style/rules.py")
            elif allowed is not None and not any(fnmatch.fnmatchcase(path, pattern) for pattern in allowed):
                yield Finding(path, line, f"<{header}> may be included by {', '.join(allowed)} alone")


def file_length(tree):
    for path, text in tree.items():
        lines = text.count("\n")
        if (is_cpp(path) or is_script(path, text)) and lines > FILE_LINES_MAX:
            yield Finding(path, lines, f"{lines} lines, at most {FILE_LINES_MAX}: is there a second thing in it?")


def function_length(tree):
    for path, text in cpp_sources(tree):
        for function in cpp.functions(text):
            lines = function.last_line - function.first_line + 1
            if lines > FUNCTION_LINES_MAX:
                yield Finding(path, function.first_line, f"a function of {lines} lines, at most {FUNCTION_LINES_MAX}")


def line_length(tree):
    for path, text in tree.items():
        if not (is_cpp(path) or is_script(path, text)):
            continue
        limit = CPP_COLUMNS_MAX if is_cpp(path) else SCRIPT_COLUMNS_MAX
        for line, content in numbered(text):
            if len(content) > limit:
                yield Finding(path, line, f"{len(content)} columns, at most {limit}")


def licence_line(tree):
    for path, text in tree.items():
        if is_cpp(path) and not text.startswith("// SPDX-License-Identifier: Apache-2.0\n"):
            yield Finding(path, 1, "the first line must be: // SPDX-License-Identifier: Apache-2.0")
        elif not is_cpp(path) and is_script(path, text) and not path.startswith("examples/"):
            if "# SPDX-License-Identifier: Apache-2.0" not in text.splitlines()[:2]:
                yield Finding(path, 1, "the licence line is missing: # SPDX-License-Identifier: Apache-2.0")


def open_ends(tree):
    word = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(#\d+\))")
    for path, text in tree.items():
        if is_cpp(path) or is_script(path, text):
            for line, content in numbered(text):
                if word.search(content):
                    yield Finding(path, line, "unfinished work needs an issue's number, as in TO" "DO(#12)")


def using_namespace(tree):
    for path, text in cpp_sources(tree):
        for line, content in numbered(cpp.strip(text)):
            if re.search(r"\busing\s+namespace\b", content):
                yield Finding(path, line, "no `using namespace`: name what is used")


def header_guard(tree):
    for path, text in cpp_sources(tree):
        if path.endswith(".h") and "#pragma once\n" not in text:
            yield Finding(path, 1, "a header needs #pragma once")


def sql_in_store(tree):
    for path, text in cpp_sources(tree):
        floor, _ = module_of(path)
        if floor in (None, "db") or is_test(path) or path.endswith("store.cc"):
            continue
        for line, literal in cpp.literals(text):
            if SQL.search(literal):
                yield Finding(path, line, "SQL belongs into store.cc (or *_store.cc)")


def principals(tree):
    """A Principal is made by the chain, or by core from one of the chain's: no service says whom it acts for."""
    for path, text in cpp_sources(tree):
        if is_test(path) or path in ("src/server/chain.cc", "src/core/auth.cc", "src/core/agent.cc"):
            continue
        for number, line in numbered(text):
            if "Authenticator::seal(" in line:
                yield Finding(path, number, "a Principal is made in the chain alone: keep_caller() and recall_caller()")


def _ranges(code):
    """(position, range) of every range-based for."""
    for match in re.finditer(r"\bfor\s*\(", code):
        depth, colon, position = 1, None, match.end()
        while position < len(code) and depth:
            char = code[position]
            depth += (char in "([{") - (char in ")]}")
            if char == ";" and depth == 1:
                break
            if char == ":" and depth == 1 and colon is None and ":" not in (code[position - 1], code[position + 1]):
                colon = position
            position += 1
        if depth == 0 and colon is not None:
            yield match.start(), " ".join(code[colon + 1:position - 1].split())


def _results(codes):
    """Names of the functions and lambdas that return a Result, anywhere in the tree."""
    names = {"TRY"}
    for code in codes:
        names.update(re.findall(r"\bResult<[^;{}()=]*>\s+(?:\w+::)*(\w+)\(", code))
        names.update(re.findall(r"\bauto\s+(\w+)\s*=\s*\[[^\]]*\][^{};]*->\s*(?:\w+::)*Result<", code))
    return names


def _after_call(text):
    """The name of the function that the expression calls first, and what follows the call; or nothing."""
    opening = re.match(r"(?:\w+(?:::|\.|->))*(\w+)(?:<[\w:,<> ]*>)?\(", text)
    if not opening:
        return None, ""
    depth, position = 1, opening.end()
    while position < len(text) and depth:
        depth += (text[position] in "([{") - (text[position] in ")]}")
        position += 1
    return opening.group(1), text[position:]


def dangling_ranges(tree):
    """What a loop walks must outlive the loop's head; what a temporary Result holds does not: `for (x : *f())`.

    TRY moves the value out, and a loop keeps that; but not what a member of it or its `*` leads to.
    """
    codes = {path: cpp.strip(text) for path, text in cpp_sources(tree)}
    results = _results(codes.values())
    for path, code in codes.items():
        for position, walked in _ranges(code):
            name, rest = _after_call(walked.lstrip("(*"))
            if name not in results:
                continue
            if walked.startswith(("*", "(*")) or re.match(r"->|\.|\[|\)", rest):
                line = code.count("\n", 0, position) + 1
                yield Finding(path, line, f"`for (… : {walked[:50]})` walks what ends before the loop: name it first")


def documents(tree):
    architecture = tree.get("ARCHITECTURE.md", "")
    for module in sorted({module_of(path)[1] for path in tree if path.endswith(".cc")} - {None}):
        floor, _, name = module.partition("/")
        if floor == "services":
            if f"docs/services/{name}.md" not in tree:
                yield Finding(f"src/{module}", 1, f"docs/services/{name}.md is missing")
        elif not re.search(rf"\b{re.escape(name or floor)}\b", architecture):
            yield Finding(f"src/{module}", 1, "ARCHITECTURE.md does not mention it")


def only_itself(tree):
    for path, text in tree.items():
        if path == "tests/style/rules.py":
            continue
        for line, content in numbered(text):
            if REGISTRY_HOST.search(content):
                yield Finding(path, line, "a registry's host: name the package, the machine knows where it comes from")


def shell_syntax(tree, root):
    for path, text in tree.items():
        if path.endswith(".sh") or text.startswith("#!/usr/bin/env bash"):
            done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, cwd=root)
            if done.returncode != 0:
                match = re.search(r"line (\d+): (.*)", done.stderr)
                line, message = match.groups() if match else (1, done.stderr.strip())
                yield Finding(path, int(line), message)


def python_syntax(tree, _):
    for path, text in tree.items():
        if path.endswith(".py"):
            try:
                compile(text, path, "exec", dont_inherit=True)
            except SyntaxError as error:
                yield Finding(path, error.lineno or 1, error.msg)


def formatting(tree, root):
    """clang-format names the place of the first difference in each file."""
    formatter = shutil.which("clang-format-19")
    if not formatter:
        yield Finding(".clang-format", 1, "clang-format-19 is not installed: run tools/setup.sh test")
        return
    files = [path for path, _ in cpp_sources(tree)]
    if not files:
        return
    done = subprocess.run([formatter, "--dry-run", "--ferror-limit=1", *files], capture_output=True, text=True,
                          cwd=root)
    seen = set()
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error):", done.stderr, re.MULTILINE):
        if path not in seen:
            seen.add(path)
            yield Finding(path, int(line), "not formatted: run ./dev fmt")


# Rules over the texts alone, and rules that also run a program in the folder.
TEXT_RULES = (include_direction, facades, file_length, function_length, line_length, licence_line, open_ends,
              using_namespace, header_guard, sql_in_store, principals, dangling_ranges, documents, only_itself)
PROGRAM_RULES = (shell_syntax, python_syntax, formatting)

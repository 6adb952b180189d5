# SPDX-License-Identifier: Apache-2.0
"""Reads a .http file, sends its requests in order, compares the answers. README.md describes the form."""

import collections
import json
import re
import uuid
import xml.etree.ElementTree

import server

Request = collections.namedtuple("Request", "line method host target auth headers body expected")
Expected = collections.namedtuple("Expected", "status headers body saves")


def parse(path):
    requests, lines = [], path.read_text().splitlines()
    blocks, begin = [], 0
    for number, line in enumerate(lines + ["###"]):
        if line.startswith("###"):
            blocks.append((begin + 1, lines[begin:number]))
            begin = number + 1
    for number, block in blocks:
        while block and (not block[0].strip() or block[0].startswith("#")):
            block, number = block[1:], number + 1
        if block:
            requests.append(parse_request(path, number, block))
    return requests


def parse_request(path, number, block):
    if not any(line.startswith("=> ") for line in block):
        raise ValueError(f"{path}:{number}: no expected answer (=> STATUS)")
    split = next(i for i, line in enumerate(block) if line.startswith("=> "))
    method, rest = block[0].split(" ", 1)
    host, target = rest.split(" ", 1)
    auth, headers, body = "arm", [], []
    head, in_body = block[1:split], False
    for line in head:
        if in_body:
            body.append(line)
        elif not line.strip():
            in_body = True
        else:
            name, value = line.split(":", 1)
            if name == "auth":
                auth = value.strip()
            else:
                headers.append((name.strip(), value.strip()))
    return Request(number, method, host, target.strip(), auth, headers, "\n".join(body).strip("\n"),
                   parse_expected(block[split:]))


def parse_expected(block):
    status = int(block[0][3:].split()[0])
    headers, saves, body, in_body = [], [], [], False
    for line in block[1:]:
        if in_body:
            body.append(line)
        elif not line.strip():
            in_body = True
        elif line.startswith("save "):
            name, where = line[5:].split("=", 1)
            saves.append((name.strip(), where.strip()))
        else:
            name, value = line.split(":", 1)
            headers.append((name.strip(), value.strip()))
    return Expected(status, headers, "\n".join(body).strip(), saves)


def fill(text, values):
    return re.sub(r"(?<!\$)\{\{(\w+)\}\}", lambda match: values[match.group(1)], text)


def run(running, path):
    values = dict(running.names, unique=uuid.uuid4().hex[:12], date=server.now_header())
    failures = []
    for request in parse(path):
        for failure in send(running, request, values):
            failures.append(f"{path}:{request.line}: {request.method} {request.target}: {failure}")
            break
    return failures


def send(running, request, values):
    target = fill(request.target, values)
    headers = [(name, fill(value, values)) for name, value in request.headers]
    body = fill(request.body, values).encode()
    credential = running.authorization(request.auth, request.method, target, headers, body)
    if credential is not None:
        headers.append(("Authorization", credential))
    answer = running.send(request.method, fill(request.host, values), target, headers, body)
    yield from compare(answer, request.expected, values)


def compare(answer, expected, values):
    text = answer.body.decode(errors="replace")
    if answer.status != expected.status:
        yield f"status {answer.status}, expected {expected.status}: {text[:400]}"
    for name, wanted in expected.headers:
        found = answer.headers.get(name)
        if not same_text(found, fill(wanted, values)):
            yield f"header {name}: {found!r}, expected {wanted!r}"
    if expected.body.startswith(("{", "[")):
        yield from differences(json.loads(text), json.loads(fill(expected.body, values)), "")
    elif expected.body.startswith("<"):
        for part in expected.body.splitlines():
            if fill(part.strip(), values) not in text:
                yield f"the body lacks {part.strip()}: {text[:600]}"
    elif expected.body and not same_text(text, fill(expected.body, values)):
        yield f"body {text[:300]!r}, expected {expected.body!r}"
    for name, where in expected.saves:
        values[name] = saved(answer, text, where)


def saved(answer, text, where):
    if where.startswith("header "):
        return answer.headers[where[7:]]
    if where.startswith("xml "):
        return xml.etree.ElementTree.fromstring(text).findtext(where[4:])
    value = json.loads(text)
    for key in where.split("."):
        value = value[int(key)] if key.isdigit() else value[key]
    return str(value)


def same_text(found, wanted):
    if wanted == "*":
        return found is not None
    if wanted == "-":
        return found is None
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        return found is not None and re.search(wanted[1:-1], found) is not None
    return found == wanted


def differences(found, wanted, where):
    """What is expected must be there; what is there beside it is not looked at, but a list has its length."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if value == "-absent-":
                if key in found:
                    yield f"{where}.{key} is there: {found[key]!r}"
            elif key not in found:
                yield f"{where}.{key} is missing in {json.dumps(found)[:400]}"
            else:
                yield from differences(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            yield f"{where} has {len(found)} items, expected {len(wanted)}: {json.dumps(found)[:400]}"
        for index, (one, other) in enumerate(zip(found, wanted)):
            yield from differences(one, other, f"{where}[{index}]")
    elif isinstance(wanted, str) and isinstance(found, str):
        if not same_text(found, wanted):
            yield f"{where} is {found!r}, expected {wanted!r}"
    elif wanted == "*":
        if found is None:
            yield f"{where} is null"
    elif found != wanted:
        yield f"{where} is {found!r}, expected {wanted!r}"
